//! What is in a golden token: PINs, labels, keys and what they do. The values are published test vectors where there
//! are any. Used by who makes one and by who opens it.

use kit::{P256, Template, ck};

/// The Security Officer's PIN.
pub const SO_PIN: &str = "golden-so-pin";
/// The user's PIN.
pub const USER_PIN: &str = "golden-user-pin";
/// CKA_LABEL of the token.
pub const LABEL: &str = "golden token";
/// What is signed where no vector says otherwise.
pub const DATA: &[u8] = b"data";

/// The value of each data object, by its label.
pub const TEXTS: [(&str, bool, &str); 4] = [
    ("public data", false, "what everyone on this machine may read"),
    ("private data", true, "what only the user may read"),
    ("renamed data", true, "its label was changed once"),
    ("empty data", false, ""),
];
/// What the renamed object was called first.
pub const FIRST_NAME: &str = "data before";
/// Objects that are gone: destroyed, or of the epoch before.
pub const GONE: [&str; 3] = ["destroyed data", "data of the first epoch", FIRST_NAME];

/// Hexadecimal, spaces ignored.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// AES-128, FIPS 197 appendix C.1: plaintext and ciphertext.
pub const AES: [&str; 2] = ["00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"];
/// HMAC-SHA-256, RFC 4231 test case 1: message and code.
pub const HMAC: (&[u8], &str) = (b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
/// Ed25519, RFC 8032 test 2: message and signature.
pub const EDDSA: [&str; 2] = [
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
     085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
];
/// ECDSA on P-256 with SHA-256, RFC 6979 appendix A.2.5: message and a signature of it.
pub const ECDSA: (&[u8], &str) = (
    b"sample",
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
     f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
);

/// Every object that is made from known values, in the order of making; data objects apart.
pub fn keys() -> Vec<Template> {
    let secret = |label: &str, of| {
        let key = Template::new().class(ck::CKO_SECRET_KEY).key_type(of).token(true).private(true).label(label);
        key.sensitive(true).extractable(false)
    };
    let half = |class, of, private: bool, label: &str| {
        let key = Template::new().class(class).key_type(of).token(true).private(private);
        key.label(label).id(label.as_bytes())
    };
    let public = |of, label: &str| half(ck::CKO_PUBLIC_KEY, of, false, label).flag(ck::CKA_VERIFY, true);
    let private = |of, label: &str| {
        half(ck::CKO_PRIVATE_KEY, of, true, label).sensitive(true).extractable(false).flag(ck::CKA_SIGN, true)
    };
    let certificate = Template::new().class(ck::CKO_CERTIFICATE).ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509);
    let certificate = certificate.token(true).private(false).label("certificate").id(b"golden");
    let rsa = |key: Template| key.bytes(ck::CKA_MODULUS, hex(RSA_N)).bytes(ck::CKA_PUBLIC_EXPONENT, [1, 0, 1]);
    let rsa_private = [
        (ck::CKA_PRIVATE_EXPONENT, RSA_D),
        (ck::CKA_PRIME_1, RSA_P),
        (ck::CKA_PRIME_2, RSA_Q),
        (ck::CKA_EXPONENT_1, RSA_DP),
        (ck::CKA_EXPONENT_2, RSA_DQ),
        (ck::CKA_COEFFICIENT, RSA_QI),
    ];
    let rsa_private =
        rsa_private.into_iter().fold(rsa(private(ck::CKK_RSA, "rsa")), |key, (of, value)| key.bytes(of, hex(value)));
    vec![
        certificate.bytes(ck::CKA_SUBJECT, hex(SUBJECT)).bytes(ck::CKA_VALUE, hex(CERTIFICATE)),
        secret("aes", ck::CKK_AES)
            .flag(ck::CKA_ENCRYPT, true)
            .bytes(ck::CKA_VALUE, hex("000102030405060708090a0b0c0d0e0f")),
        secret("hmac", ck::CKK_GENERIC_SECRET).flag(ck::CKA_SIGN, true).bytes(ck::CKA_VALUE, [0x0b; 20]),
        public(ck::CKK_EC_EDWARDS, "ed25519").bytes(ck::CKA_EC_PARAMS, ED25519).bytes(ck::CKA_EC_POINT, hex(ED_POINT)),
        private(ck::CKK_EC_EDWARDS, "ed25519").bytes(ck::CKA_EC_PARAMS, ED25519).bytes(ck::CKA_VALUE, hex(ED_SECRET)),
        public(ck::CKK_EC, "p-256").bytes(ck::CKA_EC_PARAMS, P256).bytes(ck::CKA_EC_POINT, hex(EC_POINT)),
        private(ck::CKK_EC, "p-256").bytes(ck::CKA_EC_PARAMS, P256).bytes(ck::CKA_VALUE, hex(EC_SECRET)),
        rsa(public(ck::CKK_RSA, "rsa")),
        rsa_private,
    ]
}

/// The certificate: self-signed, CN=golden.
pub fn certificate() -> Vec<u8> {
    hex(CERTIFICATE)
}

/// The PKCS #1 v1.5 signature of [`DATA`] with SHA-256, by OpenSSL.
pub fn rsa_signature() -> Vec<u8> {
    hex(RSA_SIGNATURE)
}

/// id-Ed25519, DER.
const ED25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
/// DER OCTET STRING.
const ED_POINT: &str = "0420 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const ED_SECRET: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
/// DER OCTET STRING of an uncompressed point.
const EC_POINT: &str = "0441 04 60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
    7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
const EC_SECRET: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
/// CN=golden, DER.
const SUBJECT: &str = "3011310f300d06035504030c06676f6c64656e";
const CERTIFICATE: &str = "308201793082011fa00302010202143df69f98e2a24433aa6abea8c9caf1533b731073300a06082a8648ce3d04030230\
    11310f300d06035504030c06676f6c64656e3020170d3236313132353139323033385a180f3231323631313031313932\
    3033385a3011310f300d06035504030c06676f6c64656e3059301306072a8648ce3d020106082a8648ce3d0301070342\
    0004a7245cd5e11b195fb1989ad3aa1d37e6173fc65b25fbbbfb64da1ef492c14ce72e9079052d48ca7ee128ebe90c5a\
    aafb7a010001f1c75f46ad52883d1373332fa3533051301d0603551d0e041604143f33d5ff319f38ca29c25d1b22bf56\
    ee48a4dc28301f0603551d230418301680143f33d5ff319f38ca29c25d1b22bf56ee48a4dc28300f0603551d130101ff\
    040530030101ff300a06082a8648ce3d0403020348003045022100f7ad500230255590b4e5c194faf3d70f383d60bb31\
    322b73377ebfff1cc18608022050c0958a556e9feaa05f25d1d8942cffa58e35f989f34c335c8f28d83fbfa14b";
const RSA_N: &str = "afb088d2fe0eaf6dd4d7645dae38efccef027bd02c06e4f583c9c31263ce37cdc274168129a5e3b717797695e3c6fd00\
    4f3b2624f371913368e85da986c01ad083756902e69c5b62aa00b32b559260d8978c9a7d42d325c06cde9941f98dd3ff\
    24628f6a7e5b22b9c21d3610543e7d9c1f771073c20471b6fd4dd14e71e22dba170cfa97923571b4d65cefd49b65b405\
    59e8b6c72f5c8b8b14b9041df8916586bf505d9d39c4f4f6f42e5f3c86263da00d68d5bd75a3cab887337b3459f18eae\
    378f2523f466e3204ae0428b3356a856b6e9b28c9bfd17ad6f287cb691b9d7bf182bb248898ab7310fad10991e3102dd\
    d3e31b4ac1c1dee082d2f964cbc26229";
const RSA_D: &str = "051e0baa364f62b1920971140a7855971ef4c5504d0bfeb21e5e80dc5704617090995588cf17ff7a9732de444e40144b\
    f9ed7e365ad1eec45ed4a52fc42bf1cc00dc3eb7607f62e90c371cd63bb5ef0a0d5b56d4f9b3e6985a2e1f56d7884249\
    c9a5f0f3f838bad9a020be30fa67349243820767111a69de863674a2328e7f92ece96f4fe52dbd48484e6c3817fbadec\
    2bb100b32042a8884f9425ba38ad5c2fa368aeda3b286c392ca197f378ecc56b7b58dd812a10ce6f4362316a87db1a8a\
    06d78ddf7a2946f50119544fdd2d736c6495428b1ec35873c8e3e1de6f2dad289d5a6466b4dc24a3d20f6ef1d8269ff0\
    e25e170035f34ab30ea2b832acb0d3e1";
const RSA_P: &str = "e2ea17c79f9e0c922b3a024f458c6b92fafad91bb6d0931fe2c44fa063efc3bf0980fc0cb001a6e2264ff945e743eaef\
    ceb59372752dcf32fc28edcd8e4c181b3d323fd7c14ebd5711b4d59bd4d048468f6be9f86b7e1f0b833e8719e7434787\
    9e6e6edc5c89771eda7a4f61043659b13d7f019644cbf1a75d0e104cc84da559";
const RSA_Q: &str = "c635905ec31c47484bcd9ef15d85f85f058e8a8fd10abacfc87f4399cfd4329813fff5c3cf7d45aa078855bff7542dc0\
    abba4eedbb57f41d32c8322daf6334b0017e455358ef34e42905541f1fc3dc7522e667668a65b53147fd64828ac6cdc7\
    1786ea6dd40b7421cdf23701a9d321ab24bfe46c8ea3e0a32ba1ff72b51a7951";
const RSA_DP: &str = "8a2b84e356fc4427550ef38d158a558ea028d2be9f690dcd22a5eade7d3be7f39173eb0646be1ac2261618714a4afee9\
    9af2d19fa65e8886412922f441ab701a55ff1d04e17e72a86bedb30c3a5fc142c5de2e0fc85479cee6d1d22e21b5c3fe\
    7ea83bf50e9bdddef9a5f463dccec37abb3974dbed7449e76130491897f73fb1";
const RSA_DQ: &str = "8465430a0949da53704ee8dc509c2c4b4c6aea23267f0449c6a33b84824e3b7d59de9f4b2c4d813b11ccff7a3abaffd4\
    b2e0bfd80c4bb3c3cd27ec5c97caac66e49873b638b18fa2d7c3b76d12cac1777cd86a391438dbcf0f4732dbffd6cb9d\
    3119ed7d6f26376c5d246d99aed658a6f8e534af4e982874d5b05ff13f077001";
const RSA_QI: &str = "aa283e12be20dca06545001180dce9030b541de4d523af07e5244584f27515ec722a9b1b040c4ed0c6afe930a69533f9\
    0685f414f41652b7f9c76a8048a23b197a7409463a9f4fce92260f7345c21ab179ee3ae043f0e327e65f66e64c8e5c3c\
    36ac652425e19a7c361cbac4ce050801a0b8f00e52f7ae302506357e5f249e5c";
const RSA_SIGNATURE: &str = "a71da3bcda87444ad983eb48e6cae37525a1fe2ccf98a15f2cdafa0e0b79a2050f29a0e404ad499668e5dcd09021720c\
    93d3c78078c2feeb058903038e2bbb740c072e0288ead78671fc17a00d87c6fa321f5b171b5f82453f64d47c05adb5a8\
    92727e377bf07bc16dc9535e2ce304e4ad55832a8c0189dbb4523e25b98390aa0dafbc2bec6f0b7d4b54860a6408d713\
    832981add8c64a9065ff594c0c132a00beee23b99a275c6b62d04cd67fa9facbeb28b1fa0600cd39c83d56b2e548c101\
    7a3a4b82cefb9184074e2df21d0686bc85a270627f289cb780a3837a215d0f289e0902367ef1c3b83f9017bdc834f92b\
    5fe1d33b8868fc10f486d422705270e0";
