"""Read what --data names: a data set of the package, an array or a table in a file, or a folder of images."""

import array
import csv
import itertools
import os
import warnings
import zipfile
from typing import Any, NamedTuple

import numpy as np

import npae

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".webp"}
SETS = {"digits": "load_digits", "mnist": "load_mnist_5k"}
MAGIC = b"\x93NUMPY", b"PK"  # of .npy and .npz files


class Data(NamedTuple):
    """X (N, D), and a sentence on its source and its scale."""

    X: Any
    about: str


def read(args):
    """Return the Data that the arguments name. Raise ValueError or OSError with the file and what is wrong with it."""
    source = args.data
    if source in SETS and not os.path.exists(source):
        return Data(getattr(npae.datasets, SETS[source])().data, source)
    suffix = os.path.splitext(source)[1].lower()
    if suffix not in READERS and not os.path.isdir(source):
        raise ValueError(f"got --data {source!r}, expected digits, mnist, FILE.npy, FILE.npz, FILE.csv or a folder")
    if not os.path.exists(source):
        raise ValueError(f"got --data {source!r}, expected a file that exists")
    try:
        if os.path.isdir(source):
            return _read_images(source, args.size)
        return _flatten_samples(READERS[suffix](source, args.array), source)
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: got text that is not UTF-8 ({error})") from error
    except (ValueError, EOFError, csv.Error, zipfile.BadZipFile) as error:
        raise ValueError(f"{source}: {error}") from error


def _flatten_samples(X, source):
    """Return the Data of an array (N, ...): samples flattened, bytes divided by 255."""
    if X.ndim < 2:
        raise ValueError(f"got an array of shape {X.shape}, expected samples as rows, (N, D)")
    about = f"{source}, {' x '.join(map(str, X.shape))} {X.dtype}"
    X = X.reshape(len(X), -1) if X.size else X
    return Data(X / 255.0, f"{about}, divided by 255") if X.dtype == np.uint8 else Data(X, about)


def _read_array(path, name):
    """Return the array of an .npy file, or of an .npz file the one that is named, or X, or data, or the only one."""
    with open(path, "rb") as file:  # because np.load takes all other files for pickles
        if not file.read(6).startswith(MAGIC):
            raise ValueError("got another kind of file, expected one that np.save or np.savez wrote")
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    with found as archive:
        names = list(archive)
        if name is None:
            usual = [each for each in names if each in ("X", "data")] or names
            name = usual[0] if len(usual) == 1 else None
        if name not in names:
            raise ValueError(f"got the arrays {', '.join(names) or 'none'}, expected --array NAME with one of them")
        if not isinstance(found := archive[name], np.ndarray):
            raise ValueError(f"got {name!r}, which is not an array, expected what np.savez writes")
        return found


def _read_table(path, name):
    """Return the numbers (N, D) of a text file.

    The first line holds names if no cell in it is a number. A first column without a name is left out: pandas and R
    write the numbers of the rows there.
    """
    with open(path, encoding="utf-8-sig") as file:
        rows = _split_rows(file)
        start, head = next(rows, (1, None))
        if head is None:
            raise ValueError("got an empty file, expected a table of numbers")
        numbered = head == ["", *map(str, range(len(head) - 1))]  # as pandas names columns without names
        named = numbered or (any(head) and not any(map(_is_number, head)))
        first, width, numbers = start, len(head), array.array("d")
        for line, cells in rows if named else itertools.chain([(start, head)], rows):
            if not numbers:
                first, width = line, len(cells)
            if len(cells) != width:
                raise ValueError(f"got {len(cells)} cells in line {line}, expected {width}, as in line {first}")
            try:
                numbers.extend(_numbers(cells))
            except ValueError:
                k = next(k for k, cell in enumerate(cells) if not _is_number(cell))
                column = repr(head[k]) if named and len(head) == width and head[k] else k + 1
                hint = "" if named or line > first else ", or a first line of names that are not numbers"
                raise ValueError(f"got {cells[k]!r} in line {line}, column {column}, expected a number{hint}") from None
    if not numbers:
        raise ValueError("got no rows under the names, expected a table of numbers")
    table = np.frombuffer(numbers).reshape(-1, width)
    return table if head[0] else table[:, 1:]


def _split_rows(file):
    """Yield (line, cells) of all lines that are not blank; commas, semicolons, tabs or blanks separate the cells."""
    first = next(filter(str.strip, file), "")
    delimiter = max(",;\t", key=first.count)
    file.seek(0)
    if delimiter in first:
        lines = ("" if line.isspace() else line for line in file)
    else:
        delimiter, lines = " ", (" ".join(line.split()) for line in file)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " ")
    yield from ((rows.line_num, cells) for cells in rows if cells)


def _numbers(cells):
    if "_" in "".join(cells):  # Python's own numbers may contain underscores
        raise ValueError
    return map(float, cells)


def _is_number(cell):
    try:
        return bool([*_numbers([cell])])
    except ValueError:
        return False


READERS = {".npy": _read_array, ".npz": _read_array, ".csv": _read_table, ".tsv": _read_table, ".txt": _read_table}


def _read_images(folder, size):
    names = sorted(name for name in os.listdir(folder) if os.path.splitext(name)[1].lower() in IMAGES)
    if not names:
        raise ValueError("got no images, expected files such as .png or .jpg")
    images = [_read_image(folder, name, size) for name in names]
    shapes = [" x ".join(map(str, image.shape)) for image in images]
    for name, shape in zip(names, shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"got {names[0]} of {shapes[0]}, {name} of {shape}, expected one size, or --size "
                + shapes[0].replace(" ", "")
            )
    about = f"{folder}, {len(images)} images of {shapes[0]}, grey levels divided by 255"
    return Data(np.stack([image.ravel() for image in images]) / 255.0, about)


def _read_image(folder, name, size):
    """Return the grey levels 0..255 (rows, columns) of an image, upright as viewers show it."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(os.path.join(folder, name)) as image:
                grey = _to_grey(ImageOps.exif_transpose(image))
        return np.asarray(grey if size is None else grey.resize(size[::-1], Image.Resampling.BILINEAR))
    except Exception as error:  # each of Pillow's formats has errors of its own
        raise ValueError(f"{name}: cannot be read as an image ({error})") from error


def _to_grey(image):
    """Return the image in grey levels 0..255, floating-point ones if it has 16 bits: Pillow would clip those at 255."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image.convert("L")
    levels = np.asarray(image)
    if levels.dtype.kind == "f" or levels.min() < 0 or levels.max() > 65535:
        raise ValueError(f"got pixels of mode {image.mode!r}, expected 8 or 16 bits per channel")
    return Image.fromarray((levels / 257.0).astype(np.float32))
