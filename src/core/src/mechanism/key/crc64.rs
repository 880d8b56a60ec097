//! CKA_PUBLIC_CRC64_VALUE (PKCS#11 3.2 section 4.9): CRC-64 of ECMA-182 over what is public in a key. It finds
//! accidents, not attacks.

use super::{computed, public};
use crate::attribute::{Attributes, Value};
use crate::{Error, Result};
use cryptoki_sys as ck;

/// Generator polynomial of ECMA-182, without the highest term.
const POLYNOMIAL: u64 = 0x42f0_e1eb_a9ea_3693;

/// What one byte becomes. Bit by bit, a public key of ML-KEM took as long as making it.
const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u64) << 56;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 63 == 1 { crc << 1 ^ POLYNOMIAL } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Nothing in, nothing out, the highest bit first.
fn crc64(data: &[u8]) -> u64 {
    data.iter().fold(0, |crc, byte| crc << 8 ^ TABLE[usize::from((crc >> 56) as u8 ^ byte)])
}

/// Adds it to a key that is otherwise complete, or compares what a template said. The number is that of the modulus or
/// of the public CKA_VALUE; the standard defines none for keys on curves, which have none.
pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    match number(key) {
        Some(crc) => computed(key, ck::CKA_PUBLIC_CRC64_VALUE, Value::Bytes(crc.to_be_bytes().to_vec())),
        None if key.has(ck::CKA_PUBLIC_CRC64_VALUE) => Err(Error::AttributeValueInvalid),
        None => Ok(()),
    }
}

fn number(key: &Attributes) -> Option<u64> {
    let (class, key_type) = (key.ulong(ck::CKA_CLASS)?, key.ulong(ck::CKA_KEY_TYPE)?);
    match key_type {
        ck::CKK_EC | ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY => None,
        ck::CKK_RSA => key.bytes(ck::CKA_MODULUS).map(crc64),
        _ if class == ck::CKO_PUBLIC_KEY => key.bytes(ck::CKA_VALUE).map(crc64),
        _ if class == ck::CKO_PRIVATE_KEY => {
            let public = public::decode(key.bytes(ck::CKA_PUBLIC_KEY_INFO)?)?;
            public.bytes(ck::CKA_VALUE).map(crc64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_of_crc_algorithms_comes_out() {
        assert_eq!(crc64(b"123456789"), 0x6c40_df5f_0b49_7347);
        assert_eq!(crc64(b""), 0);
    }
}
