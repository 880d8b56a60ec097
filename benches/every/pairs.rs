//! Key pairs: how they are made here, and how OpenSSL makes the same.

use super::NO;
use crate::client::{self, Session};
use crate::floor::Options;
use cryptoki_sys::*;
use std::ffi::CStr;

/// A kind of pairs.
pub struct Pair {
    /// What makes them.
    pub mechanism: CK_MECHANISM_TYPE,
    said: Said,
    /// OpenSSL's algorithm.
    pub floor: &'static CStr,
    /// And its options.
    pub options: Options,
}

/// What the template of the public half says.
#[derive(Clone, Copy)]
enum Said {
    Bits(CK_ULONG),
    Curve(&'static [u8]),
    Set(CK_ULONG),
    /// The numbers of new domain parameters, by what makes them and bits of the prime.
    Domain(CK_MECHANISM_TYPE, CK_ULONG),
}

macro_rules! pairs {
    ($($name:ident $mechanism:ident $said:ident($($value:expr),*) $floor:literal $options:expr;)*) => {
        $(pub const $name: &Pair =
            &Pair { mechanism: $mechanism, said: Said::$said($($value),*), floor: $floor, options: $options };)*
    };
}

/// Domain parameters of DSA and X9.42 of 1024 bits, which both make in a moment.
const SMALL: Options = &[("dsa_paramgen_bits", "1024"), ("dsa_paramgen_q_bits", "160")];
const SMALL_DHX: Options =
    &[("dh_paramgen_type", "2"), ("dh_paramgen_prime_len", "1024"), ("dh_paramgen_subprime_len", "160")];

pairs! {
    RSA CKM_RSA_PKCS_KEY_PAIR_GEN Bits(2048) c"RSA" &[("rsa_keygen_bits", "2048")];
    DSA CKM_DSA_KEY_PAIR_GEN Domain(CKM_DSA_PARAMETER_GEN, 1024) c"DSA" SMALL;
    // There is a group of RFC 7919 of this size.
    DH CKM_DH_PKCS_KEY_PAIR_GEN Domain(CKM_DH_PKCS_PARAMETER_GEN, 2048) c"DH" &[("group", "ffdhe2048")];
    X9_42_DH CKM_X9_42_DH_KEY_PAIR_GEN Domain(CKM_X9_42_DH_PARAMETER_GEN, 1024) c"DHX" SMALL_DHX;
    P256 CKM_EC_KEY_PAIR_GEN Curve(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) c"EC"
        &[("ec_paramgen_curve", "P-256")];
    P384 CKM_EC_KEY_PAIR_GEN Curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x22]) c"EC" &[("ec_paramgen_curve", "P-384")];
    P521 CKM_EC_KEY_PAIR_GEN Curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x23]) c"EC" &[("ec_paramgen_curve", "P-521")];
    SECP256K1 CKM_EC_KEY_PAIR_GEN Curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a]) c"EC" &[("ec_paramgen_curve", "secp256k1")];
    BRAINPOOL CKM_EC_KEY_PAIR_GEN Curve(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7]) c"EC"
        &[("ec_paramgen_curve", "brainpoolP256r1")];
    P256_EXTRA CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS Curve(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) c"EC"
        &[("ec_paramgen_curve", "P-256")];
    ED25519 CKM_EC_EDWARDS_KEY_PAIR_GEN Curve(&[6, 3, 0x2b, 0x65, 0x70]) c"ED25519" &[];
    ED448 CKM_EC_EDWARDS_KEY_PAIR_GEN Curve(&[6, 3, 0x2b, 0x65, 0x71]) c"ED448" &[];
    ED25519_EDDSA CKM_EDDSA Curve(&[6, 3, 0x2b, 0x65, 0x70]) c"ED25519" &[];
    X25519 CKM_EC_MONTGOMERY_KEY_PAIR_GEN Curve(&[6, 3, 0x2b, 0x65, 0x6e]) c"X25519" &[];
    X448 CKM_EC_MONTGOMERY_KEY_PAIR_GEN Curve(&[6, 3, 0x2b, 0x65, 0x6f]) c"X448" &[];
    ML_KEM_768 CKM_ML_KEM_KEY_PAIR_GEN Set(CKP_ML_KEM_768) c"ML-KEM-768" &[];
    ML_DSA_44 CKM_ML_DSA_KEY_PAIR_GEN Set(CKP_ML_DSA_44) c"ML-DSA-44" &[];
    ML_DSA_65 CKM_ML_DSA_KEY_PAIR_GEN Set(CKP_ML_DSA_65) c"ML-DSA-65" &[];
    ML_DSA_87 CKM_ML_DSA_KEY_PAIR_GEN Set(CKP_ML_DSA_87) c"ML-DSA-87" &[];
    SLH_DSA_128F CKM_SLH_DSA_KEY_PAIR_GEN Set(CKP_SLH_DSA_SHA2_128F) c"SLH-DSA-SHA2-128f" &[];
    SLH_DSA_SHAKE_128F CKM_SLH_DSA_KEY_PAIR_GEN Set(CKP_SLH_DSA_SHAKE_128F) c"SLH-DSA-SHAKE-128f" &[];
}

/// Public and private key.
pub type Keys = (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE);

impl Pair {
    /// A pair.
    pub fn make(&self, session: &Session) -> client::Outcome<Keys> {
        self.maker(session)?(session)
    }

    /// What makes pairs, all with the same domain parameters.
    pub fn maker(&self, session: &Session) -> client::Outcome<impl Fn(&Session) -> client::Outcome<Keys> + 'static> {
        let mut public = vec![(CKA_TOKEN, NO.to_vec())];
        match self.said {
            Said::Bits(bits) => public.push((CKA_MODULUS_BITS, bits.to_ne_bytes().to_vec())),
            Said::Curve(oid) => public.push((CKA_EC_PARAMS, oid.to_vec())),
            Said::Set(set) => public.push((CKA_PARAMETER_SET, set.to_ne_bytes().to_vec())),
            Said::Domain(mechanism, bits) => {
                let bits = bits.to_ne_bytes();
                let parameters =
                    session.generate(&mut client::bare(mechanism), &[(CKA_TOKEN, &NO), (CKA_PRIME_BITS, &bits)])?;
                // Those of plain Diffie-Hellman have no order.
                let order = (mechanism != CKM_DH_PKCS_PARAMETER_GEN).then_some(CKA_SUBPRIME);
                for of in [CKA_PRIME, CKA_BASE].into_iter().chain(order) {
                    public.push((of, session.bytes(parameters, of)?));
                }
            }
        }
        let mechanism = self.mechanism;
        Ok(move |session: &Session| {
            let public: Vec<client::Attribute<'_>> = public.iter().map(|(of, bytes)| (*of, bytes.as_slice())).collect();
            session.generate_pair(mechanism, &public, &[(CKA_TOKEN, &NO)])
        })
    }
}
