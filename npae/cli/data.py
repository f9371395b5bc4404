"""What --data names: a set of the package, an array or a table in a file, a folder of images."""

import os
from typing import Any, NamedTuple

from npae.cli.arguments import sizes

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".webp"}
SETS = {"digits": "load_digits", "mnist": "load_mnist_5k"}


class Data(NamedTuple):
    """X (N, D), and in words where it comes from and what was done to it."""

    X: Any
    about: str


def add_arguments(parser):
    """Add --data, --array and --size."""
    parser.add_argument(
        "--data", required=True, metavar="WHAT",
        help="digits, mnist (5,000 images), FILE.npy, FILE.npz, FILE.csv, or a FOLDER of images; samples are rows, "
        "images are flattened, bytes are divided by 255, and a table's first column is left out if it has no name",
    )  # fmt: skip
    parser.add_argument("--array", metavar="NAME", help="which array of an .npz file")
    parser.add_argument("--size", type=sizes("x"), metavar="28x28", help="rows x columns to which images are brought")


def read(args):
    """The Data that the arguments name; ValueError or OSError, naming the file and what is wrong with it."""
    what = args.data
    if what in SETS and not os.path.exists(what):
        from npae import datasets

        return Data(getattr(datasets, SETS[what])().data, what)
    if os.path.isdir(what):
        return _read_images(what, args.size)
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv, ".tsv": _read_csv, ".txt": _read_csv}
    reader = readers.get(os.path.splitext(what)[1].lower())
    if reader is None:
        raise ValueError(f"got --data {what!r}, expected digits, mnist, FILE.npy, FILE.npz, FILE.csv or a folder")
    if not os.path.isfile(what):
        raise ValueError(f"got --data {what!r}, expected a file that exists")
    return _rows(reader(what, args.array), what)


def _rows(array, what):
    """Data of an array (N, ...): flattened to rows, bytes divided by 255."""
    import numpy as np

    if array.ndim < 2:
        raise ValueError(f"{what}: got an array of shape {array.shape}, expected samples as rows, (N, D)")
    shape = array.shape
    array = array.reshape(shape[0], -1) if array.ndim > 2 and array.size else array
    about = f"{what}, {' x '.join(map(str, shape))} {array.dtype}"
    if array.dtype == np.uint8:
        return Data(array / 255.0, f"{about}, divided by 255")
    return Data(array, about)


def _read_npy(path, name):
    import numpy as np

    with open(path, "rb") as file:  # a pickle, which np.load also knows, is not read
        if file.read(6) != b"\x93NUMPY":
            raise ValueError(f"{path}: no .npy file, expected one as np.save writes it")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_npz(path, name):
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive.files)
            if name is None:
                fit = [each for each in names if each in ("X", "data")] or names
                name = fit[0] if len(fit) == 1 else None
            if name not in names:
                raise ValueError(f"got the arrays {', '.join(names) or 'none'}, expected --array NAME with one of them")
            array = archive[name]
            if not isinstance(array, np.ndarray):
                raise ValueError(f"got {name!r}, which is no array, expected what np.savez writes")
            return array
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _read_csv(path, name):
    import csv

    try:
        with open(path, encoding="utf-8-sig") as file:
            return _table(file)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: no text in UTF-8 ({error})") from error
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error


def _table(file):
    """The table without its first column where that has no name: there pandas and R write the numbers of the rows.

    Its first line that is not blank is one of names if no cell is a number.
    """
    import itertools
    import warnings

    import numpy as np

    lines = (line for line in file if not line.isspace())
    first = next(lines, None)
    if first is None:
        raise ValueError("got an empty file, expected a table of numbers")
    most = max(",;\t", key=first.count)
    delimiter = most if most in first else None
    cells = _cells(first, delimiter)
    numbered = ["", *map(str, range(len(cells) - 1))]  # as pandas names columns without names
    names = cells if cells == numbered or (any(cells) and not any(map(_is_number, cells))) else None
    rows = itertools.chain([first] if names is None else [], lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a table without rows
            table = np.loadtxt(rows, delimiter=delimiter, ndmin=2, comments=None, quotechar='"')
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        file.seek(0)
        raise ValueError(_fault(file, delimiter, names) or error) from error
    if not table.size:
        raise ValueError("got no rows under the names, expected a table of numbers")
    return table if cells[0] else table[:, 1:]


def _cells(line, delimiter):
    import csv

    cells = line.split() if delimiter is None else next(csv.reader([line], delimiter=delimiter))
    return [cell.strip().strip('"') for cell in cells]


def _fault(file, delimiter, names):
    """The first row of another length, or cell that is no number, by the line of the file; None where there is none."""
    filled = ((number, line) for number, line in enumerate(file, start=1) if not line.isspace())
    if names is not None:
        next(filled)
    for i, (number, line) in enumerate(filled):
        cells = _cells(line, delimiter)
        if i == 0:
            start, width = number, len(cells)
        if len(cells) != width:
            return f"got {len(cells)} cells in line {number}, expected {width}, as in line {start}"
        for column, cell in enumerate(cells):
            if not _is_number(cell):
                named = names is not None and len(names) == width and names[column]
                where = f"line {number}, column {repr(names[column]) if named else column + 1}"
                hint = ", or a first line of names that are no numbers" if names is None and i == 0 else ""
                return f"got {cell!r} in {where}, expected a number{hint}"
    return None


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which Python's own numbers may have


def _read_images(folder, size):
    import numpy as np

    names = sorted(name for name in os.listdir(folder) if os.path.splitext(name)[1].lower() in IMAGES)
    if not names:
        raise ValueError(f"{folder}: got no images, expected files such as .png or .jpg")
    rows, shape = [], size
    for name in names:
        image = _read_image(os.path.join(folder, name), size)
        shape = shape or image.shape
        if image.shape != shape:
            raise ValueError(
                f"{folder}: got {names[0]} of {shape[0]} x {shape[1]}, {name} of {image.shape[0]} x {image.shape[1]}, "
                f"expected one size, or --size {shape[0]}x{shape[1]}"
            )
        rows.append(image.ravel())
    about = f"{folder}, {len(rows)} images of {shape[0]} x {shape[1]}, grey levels divided by 255"
    return Data(np.stack(rows) / 255.0, about)


def _read_image(path, size):
    """Grey levels 0..255, (rows, columns)."""
    import warnings

    import numpy as np
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                grey = _grey(ImageOps.exif_transpose(image))  # upright, as viewers show it
        return np.asarray(grey if size is None else grey.resize(size[::-1], Image.Resampling.BILINEAR))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: no image that can be read ({error})") from error


def _grey(image):
    """The image in grey levels 0..255; of 16 bits as floating-point numbers, which Pillow's own way would cut off."""
    import numpy as np
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image.convert("L")
    levels = np.asarray(image)
    if levels.dtype.kind == "f" or levels.min() < 0 or levels.max() > 65535:
        raise ValueError(f"got pixels of mode {image.mode!r}, expected 8 or 16 bits a channel")
    return Image.fromarray((levels / 257.0).astype(np.float32))
