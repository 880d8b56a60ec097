#!/usr/bin/env python3
"""Makes the files in known/: what independent implementations of FIPS 203, 204 and 205 compute from fixed seeds.

    pip install kyber-py==1.2.0 dilithium-py==1.5.1 slh-dsa==0.2.5 && tests/pq/make.py tests/pq/known

Long results are there as their SHA-256; signatures are the deterministic ones."""

import hashlib
import json
import pathlib
import sys

from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87
from kyber_py.ml_kem import ML_KEM_512, ML_KEM_768, ML_KEM_1024
import slhdsa
from slhdsa.lowlevel import slhdsa as slh
from slhdsa.lowlevel.addresses import Address
from slhdsa.lowlevel.xmss import XMSS

# In the order of the mechanisms: name, last arc of the object identifier, digest.
HASHES = [
    ("SHA224", 4, lambda m: hashlib.sha224(m).digest()),
    ("SHA256", 1, lambda m: hashlib.sha256(m).digest()),
    ("SHA384", 2, lambda m: hashlib.sha384(m).digest()),
    ("SHA512", 3, lambda m: hashlib.sha512(m).digest()),
    ("SHA3_224", 7, lambda m: hashlib.sha3_224(m).digest()),
    ("SHA3_256", 8, lambda m: hashlib.sha3_256(m).digest()),
    ("SHA3_384", 9, lambda m: hashlib.sha3_384(m).digest()),
    ("SHA3_512", 10, lambda m: hashlib.sha3_512(m).digest()),
    ("SHAKE128", 11, lambda m: hashlib.shake_128(m).digest(32)),
    ("SHAKE256", 12, lambda m: hashlib.shake_256(m).digest(64)),
]
MESSAGES = [b"", b"The quick brown fox jumps over the lazy dog", bytes(range(256)) * 5]
CONTEXTS = [b"", b"context", bytes(range(255))]


def seed(label, length):
    return hashlib.shake_256(label.encode()).digest(length)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pure(context, message):
    return b"\0" + bytes([len(context)]) + context + message


def hashed(context, arc, digest):
    return b"\1" + bytes([len(context)]) + context + bytes.fromhex("06096086480165030402") + bytes([arc]) + digest


def case(hash_name, context, message, signature):
    return {"hash": hash_name, "context": context.hex(), "message": message.hex(), "signature": sha256(signature)}


def ml_kem():
    for number, kem in enumerate([ML_KEM_512, ML_KEM_768, ML_KEM_1024], 1):
        start = seed(f"ML-KEM {number}", 64)
        public, private = kem.key_derive(start)
        shared, ciphertext = kem._encaps_internal(public, seed(f"ML-KEM {number} message", 32))
        changed = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
        yield {
            "set": number, "seed": start.hex(), "public": sha256(public), "private": sha256(private),
            "ciphertext": ciphertext.hex(), "shared": shared.hex(), "rejected": kem.decaps(private, changed).hex(),
        }


def ml_dsa():
    for number, dsa in enumerate([ML_DSA_44, ML_DSA_65, ML_DSA_87], 1):
        start = seed(f"ML-DSA {number}", 32)
        public, private = dsa.key_derive(start)
        sign = lambda encoded: dsa._sign_internal(private, encoded, bytes(32))
        cases = [case("", c, m, sign(pure(c, m))) for c, m in zip(CONTEXTS, MESSAGES)]
        for index, (name, arc, digest) in enumerate(HASHES):
            context, message = CONTEXTS[index % 3], MESSAGES[(index + number) % 3]
            cases.append(case(name, context, message, sign(hashed(context, arc, digest(message)))))
        yield {"set": number, "seed": start.hex(), "public": sha256(public), "private": sha256(private), "cases": cases}


def slh_dsa():
    sets = [getattr(slhdsa, f"{hash}_{size}{speed}") for size in (128, 192, 256) for speed in "sf" for hash in ("sha2", "shake")]
    for number, par in enumerate(sets, 1):
        start, n = seed(f"SLH-DSA {number}", 3 * par.n), par.n
        parts = (start[:n], start[n : 2 * n], start[2 * n :])
        root = XMSS(par).node(parts[0], 0, par.h_m, parts[2], Address(par.d - 1, 0))
        private = (*parts, root)
        sign = lambda encoded: slh.sign(encoded, private, par)
        index = number % 3
        cases = [case("", CONTEXTS[index], MESSAGES[index], sign(pure(CONTEXTS[index], MESSAGES[index])))]
        # Every hash with one set, one hash with every other.
        some = HASHES if number == 3 else [HASHES[number % 10]]
        for name, arc, digest in some:
            cases.append(case(name, b"ctx", MESSAGES[1], sign(hashed(b"ctx", arc, digest(MESSAGES[1])))))
        print(number, file=sys.stderr)
        yield {"set": number, "private": b"".join(private).hex(), "cases": cases}


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1])
    for name, make in [("ml_kem", ml_kem), ("ml_dsa", ml_dsa), ("slh_dsa", slh_dsa)]:
        (directory / f"{name}.json").write_text(json.dumps(list(make()), indent=1) + "\n")
