"""Repositories with links, devices, folders or damaged files instead of a model file."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

from enn_models import repository
from support.tiny import package


def version(root: Path, name: str) -> Path:
    """Publish a valid package and return its version folder."""
    return repository.publish_version(root, name, package())


def model_file_is_a_link_out(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    outside = root.parent / f"outside-{name}"
    file.rename(outside)
    file.symlink_to(outside)


def model_file_is_a_link_to_a_device(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    file.symlink_to("/dev/zero")


def model_file_is_a_device(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    try:
        os.mknod(file, 0o020666, os.makedev(1, 5))  # /dev/zero, an endless file
    except PermissionError:  # only root may create devices; others get a FIFO
        os.mkfifo(file)


def model_file_is_a_queue(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    os.mkfifo(file)


def model_file_is_a_socket(root: Path, name: str) -> None:
    folder = version(root, name)
    (folder / repository.MODEL_FILE).unlink()
    before = Path.cwd()
    os.chdir(folder)  # the path of a socket is limited to about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(repository.MODEL_FILE)
    finally:
        os.chdir(before)


def model_file_is_a_folder(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    file.mkdir()


def model_file_is_a_terabyte_of_nothing(root: Path, name: str) -> None:
    os.truncate(version(root, name) / repository.MODEL_FILE, 2**40)


def version_is_a_link_out(root: Path, name: str) -> None:
    folder = version(root, name)
    outside = root.parent / f"outside-{name}"
    folder.rename(outside)
    folder.symlink_to(outside)


def model_is_a_link_out(root: Path, name: str) -> None:
    outside = root.parent / "outside"
    version(outside, name)
    (root / name).symlink_to(outside / name)


def sums_do_not_match(root: Path, name: str) -> None:
    (version(root, name) / repository.SUMS_FILE).write_text(f"{'0' * 64}  {repository.MODEL_FILE}\n")


def sums_are_of_another_file(root: Path, name: str) -> None:
    sums = version(root, name) / repository.SUMS_FILE
    sums.write_text(sums.read_text().replace(repository.MODEL_FILE, "other.onnx"))


def sums_are_not_there(root: Path, name: str) -> None:
    (version(root, name) / repository.SUMS_FILE).unlink()


def sums_are_a_gigabyte_of_nothing(root: Path, name: str) -> None:
    os.truncate(version(root, name) / repository.SUMS_FILE, 2**30)


def one_bit_is_another(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)


def folder_is_empty(root: Path, name: str) -> None:
    (root / name / "1").mkdir(parents=True)


PLACES: list[tuple[Callable[[Path, str], None], str]] = [
    (model_file_is_a_link_out, "is a link that leaves"),
    (model_file_is_a_link_to_a_device, "is a link that leaves"),
    (model_file_is_a_device, "not a regular file"),
    (model_file_is_a_queue, "not a regular file"),
    (model_file_is_a_socket, "cannot be read"),
    (model_file_is_a_folder, "not a regular file"),
    (model_file_is_a_terabyte_of_nothing, "not a regular file"),
    (version_is_a_link_out, "is a link that leaves"),
    (model_is_a_link_out, "is a link that leaves"),
    (sums_do_not_match, "not the one published"),
    (sums_are_of_another_file, "not the one published"),
    (sums_are_not_there, "cannot be read"),
    (sums_are_a_gigabyte_of_nothing, "not a regular file"),
    (one_bit_is_another, "not the one published"),
    (folder_is_empty, "cannot be read"),
]
