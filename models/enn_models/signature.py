"""Ed25519 signatures of published versions: signing with a private key and verification with a public key.

The signed message is the line `<name>/<version>` followed by the SHA256SUMS file, so a signed file can be neither
changed nor presented as another model or version. `openssl pkeyutl` makes and checks the same signatures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enn_models.errors import RepositoryError, UnsafeModelError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_FILE = "SHA256SUMS.sig"

Sign = Callable[[str, str, bytes], bytes]
"""Function from a model's name, its version and the bytes of its sums to a signature."""
Verify = Callable[[str, str, bytes, bytes], None]
"""Check of the signature, the last argument, of a model's name, its version and the bytes of its sums."""


def signer(path: Path) -> Sign:
    """Return a function that signs with a private key.

    Args:
        path: PEM file with an Ed25519 private key, without a password.

    Raises:
        RepositoryError: The file cannot be read or is not such a key, or the package cryptography is not installed.
    """
    key: Ed25519PrivateKey = _load_key(path, private=True)
    return lambda name, version, sums: key.sign(_signed_message(name, version, sums))


def verifier(path: Path) -> Verify:
    """Return a function that checks signatures with a public key and raises UnsafeModelError for a wrong one.

    Args:
        path: PEM file with an Ed25519 public key.

    Raises:
        RepositoryError: The file cannot be read or is not such a key, or the package cryptography is not installed.
    """
    key: Ed25519PublicKey = _load_key(path, private=False)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    def verify(name: str, version: str, sums: bytes, signature: bytes) -> None:
        try:
            key.verify(signature, _signed_message(name, version, sums))
        except InvalidSignature:
            raise UnsafeModelError(
                f"{SIGNATURE_FILE} is not the signature of {name}/{version} by the key in {path.name}; "
                "sign it with enn-train sign"
            ) from None

    return verify


def _signed_message(name: str, version: str, sums: bytes) -> bytes:
    return f"{name}/{version}\n".encode() + sums


def _load_key(path: Path, *, private: bool) -> Any:  # noqa: ANN401  (two classes of an optional dependency)
    kind = "private" if private else "public"
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError:
        raise RepositoryError(
            "signatures need the package cryptography; install this project with its extra signing"
        ) from None
    try:
        data = path.read_bytes()
        key = serialization.load_pem_private_key(data, None) if private else serialization.load_pem_public_key(data)
    except OSError as error:
        raise RepositoryError(f"key {path}: {error.strerror}") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey if private else ed25519.Ed25519PublicKey):
        raise RepositoryError(f"key {path}: expected a PEM file with an Ed25519 {kind} key, without a password")
    return key
