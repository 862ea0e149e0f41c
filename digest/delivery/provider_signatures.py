"""Whether a webhook's signature is its provider's; needs the cryptography package. Pure."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate


def is_of_certificate(signature: bytes, said: bytes, pem: bytes, *, is_new: bool) -> bool:
    """Amazon SNS: RSA by the certificate's key; version 1 signatures are over SHA-1."""
    kind: hashes.HashAlgorithm = hashes.SHA256() if is_new else hashes.SHA1()
    try:
        key = load_pem_x509_certificate(pem).public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, said, PKCS1v15(), kind)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_of_curve_key(signature: bytes, said: bytes, key: bytes) -> bool:
    """SendGrid: ECDSA over SHA-256 by a public key in DER."""
    try:
        public = load_der_public_key(key)
        if not isinstance(public, EllipticCurvePublicKey):
            return False
        public.verify(signature, said, ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
