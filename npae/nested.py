"""Fields of the parts that an estimator holds, by names such as 'optimizer__lr', as scikit-learn writes them."""

import dataclasses
from typing import Any


def nested(name, part):
    """The fields of a part by their names, 'name__field', and theirs; of a list the parts in it, 'name__0'."""
    if isinstance(part, (list, tuple)):
        inside = {str(i): each for i, each in enumerate(part) if is_record(each)}
    else:
        inside = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)} if is_record(part) else {}
    found: dict[str, Any] = {}
    for key, value in inside.items():
        found |= {f"{name}__{key}": value} | nested(f"{name}__{key}", value)
    return found


def replaced(part, path, value, what):
    """A copy of a record, or of a list of them, with another value at path, 'field', '0' or 'field__field'."""
    name, _, path = path.partition("__")
    if isinstance(part, (list, tuple)) and name.isdecimal() and int(name) < len(part):
        new = replaced(part[int(name)], path, value, what) if path else value
        return type(part)([*part[: int(name)], new, *part[int(name) + 1 :]])
    fields = [f.name for f in dataclasses.fields(part) if f.init] if is_record(part) else []
    if name not in fields:
        expected = [str(i) for i in range(len(part))] if isinstance(part, (list, tuple)) else fields
        raise ValueError(f"{what}: got no field {name!r} in {part!r}, expected one of {expected}")
    return dataclasses.replace(part, **{name: replaced(getattr(part, name), path, value, what) if path else value})


def is_record(part):
    """Whether a part is a record of named fields, a dataclass."""
    return dataclasses.is_dataclass(part) and not isinstance(part, type)
