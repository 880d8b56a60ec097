"""A program that uses a token through PyKCS11: MODULE PIN."""

import sys

from PyKCS11 import *

MODULE, PIN = sys.argv[1:]
DOCUMENT = b"All that is in this document is that it is one.\n"
CLASSES = [(CKA_CLASS, CKO_PUBLIC_KEY), (CKA_TOKEN, CK_FALSE)], [(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_TOKEN, CK_FALSE)]

library = PyKCS11Lib()
library.load(MODULE)
slots = library.getSlotList(tokenPresent=True)
slot = next(slot for slot in slots if library.getTokenInfo(slot).label.strip() == "test")
assert CKM_AES_GCM in [CKM[name] for name in library.getMechanismList(slot)]
session = library.openSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
try:
    session.login("not-the-pin")
    sys.exit("a wrong PIN opened the token")
except PyKCS11Error as error:
    assert error.value == CKR_PIN_INCORRECT, error
session.login(PIN)

public, private = CLASSES
rsa = [(CKA_MODULUS_BITS, 2048), (CKA_PUBLIC_EXPONENT, (1, 0, 1))]
public, private = session.generateKeyPair(public + rsa, private)
for mechanism in [
    Mechanism(CKM_SHA256_RSA_PKCS, None),
    RSA_PSS_Mechanism(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32),
]:
    signature = session.sign(private, DOCUMENT, mechanism)
    assert session.verify(public, DOCUMENT, signature, mechanism)
    assert not session.verify(public, DOCUMENT + b"x", signature, mechanism)
for mechanism in [Mechanism(CKM_RSA_PKCS, None), RSAOAEPMechanism(CKM_SHA256, CKG_MGF1_SHA256)]:
    encrypted = session.encrypt(public, DOCUMENT, mechanism)
    assert bytes(session.decrypt(private, encrypted, mechanism)) == DOCUMENT

aes = [(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_TOKEN, CK_FALSE), (CKA_VALUE_LEN, 32)]
key = session.generateKey(aes, MechanismAESGENERATEKEY)
for mechanism in [
    AES_GCM_Mechanism(bytes(12), b"aad", 128),
    AES_CTR_Mechanism(128, bytes(16)),
    Mechanism(CKM_AES_CBC_PAD, bytes(16)),
]:
    assert bytes(session.decrypt(key, session.encrypt(key, DOCUMENT, mechanism), mechanism)) == DOCUMENT
assert bytes(session.digest(b"abc", Mechanism(CKM_SHA256, None))).hex().startswith("ba7816bf8f01cfea")

assert len(session.findObjects()) == 3
for thing in session.findObjects():
    thing.to_dict()
    session.getAttributeValue(thing, [CKA_CLASS, CKA_MODULUS_BITS, CKA_LABEL, CKA_PRIME_1])
session.destroyObject(key)
assert len(session.findObjects()) == 2
session.logout()
session.closeSession()
print("passed")
