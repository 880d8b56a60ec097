"""A program that uses a token through python-pkcs11: MODULE PIN. It writes keys and signatures for openssl to judge."""

import hashlib
import os
import sys

import pkcs11
from pkcs11 import KDF, MGF, Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

DOCUMENT = b"All that is in this document is that it is one.\n"
READABLE = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
MODULE, PIN = sys.argv[1:]


def write(name, public, signature):
    with open(name + ".pub", "wb") as file:
        file.write(public)
    with open(name + ".sig", "wb") as file:
        file.write(signature)


def pairs(session):
    public, private = session.generate_keypair(KeyType.RSA, 2048, store=True, label="rsa", id=b"\x31")
    pss = Mechanism.SHA256, MGF.SHA256, 32
    for mechanism, parameter in [
        (Mechanism.SHA256_RSA_PKCS, None),
        (Mechanism.SHA512_RSA_PKCS, None),
        (Mechanism.SHA256_RSA_PKCS_PSS, pss),
    ]:
        how = {"mechanism": mechanism, "mechanism_param": parameter}
        signature = private.sign(DOCUMENT, **how)
        assert public.verify(DOCUMENT, signature, **how)
        assert not public.verify(DOCUMENT + b"x", signature, **how)
    assert private.decrypt(public.encrypt(b"short")) == b"short"
    write("rsa", encode_rsa_public_key(public), private.sign(DOCUMENT, mechanism=Mechanism.SHA256_RSA_PKCS))
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    curve = session.create_domain_parameters(KeyType.EC, curve, local=True)
    public, private = curve.generate_keypair(store=True, label="ec")
    signature = private.sign(DOCUMENT, mechanism=Mechanism.ECDSA_SHA256)
    assert public.verify(DOCUMENT, signature, mechanism=Mechanism.ECDSA_SHA256)
    write("ec", encode_ec_public_key(public), encode_ecdsa_signature(signature))
    other_public, other = curve.generate_keypair()
    agreed = [
        ours.derive_key(
            KeyType.AES, 128, mechanism_param=(KDF.NULL, None, theirs[Attribute.EC_POINT]), template=READABLE
        )[Attribute.VALUE]
        for ours, theirs in [(private, other_public), (other, public)]
    ]
    assert agreed[0] == agreed[1]


def secrets(session):
    key = session.generate_key(KeyType.AES, 256)
    iv = session.generate_random(128)
    assert key.decrypt(key.encrypt(DOCUMENT, mechanism_param=iv), mechanism_param=iv) == DOCUMENT
    parts = list(key.encrypt([DOCUMENT] * 100, mechanism_param=iv))
    assert b"".join(key.decrypt(parts, mechanism_param=iv)) == DOCUMENT * 100
    gcm = {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(os.urandom(12), b"aad", 128)}
    assert key.decrypt(key.encrypt(DOCUMENT, **gcm), **gcm) == DOCUMENT
    inner = session.generate_key(KeyType.AES, 128, template=READABLE)
    wrapped = key.wrap_key(inner, mechanism=Mechanism.AES_KEY_WRAP)
    again = key.unwrap_key(
        ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=Mechanism.AES_KEY_WRAP, template=READABLE
    )
    assert again[Attribute.VALUE] == inner[Attribute.VALUE]
    assert session.digest(DOCUMENT, mechanism=Mechanism.SHA256) == hashlib.sha256(DOCUMENT).digest()


def searches(session):
    # An iterator that is left half way must not keep the next one from starting.
    half = iter(session.get_objects())
    next(half)
    del half
    found = list(session.get_objects({Attribute.LABEL: "rsa"}))
    assert len(found) == 2, found
    # Everything asked of everything, whether it has it or not.
    for thing in session.get_objects():
        for attribute in Attribute:
            try:
                thing[attribute]
            except (pkcs11.exceptions.PKCS11Error, NotImplementedError, ValueError):
                # A date that is not set is empty, which python-pkcs11 takes for no date (ValueError).
                pass
    for key in found:
        key.destroy()
    assert not list(session.get_objects({Attribute.LABEL: "rsa"}))


token = pkcs11.lib(MODULE).get_token(token_label="test")
with token.open(rw=True, user_pin=PIN) as session:
    pairs(session)
    secrets(session)
    searches(session)
try:
    token.open(user_pin="not-the-pin")
    sys.exit("a wrong PIN opened the token")
except pkcs11.exceptions.PinIncorrect:
    pass
with token.open(user_pin=PIN) as session:
    assert len(list(session.get_objects({Attribute.LABEL: "ec"}))) == 2
print("passed")
