"""What all item models here share: the index they take, and names of their roles."""

import enum
from typing import TypeAlias

from PySide6.QtCore import QByteArray, QModelIndex, QPersistentModelIndex, Qt

Index: TypeAlias = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()
FIRST_ROLE = int(Qt.ItemDataRole.UserRole) + 1


def role_names(roles: type[enum.IntEnum]) -> dict[int, QByteArray]:
    """The roles of a model by number, in lower case, as `roleNames` gives them."""
    return {int(role): QByteArray(role.name.lower().encode()) for role in roles}
