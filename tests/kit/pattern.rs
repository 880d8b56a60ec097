//! Keys, IVs and data that tables of vectors describe by their length alone.

use cryptoki_sys as ck;

/// A key: bytes that differ with its length, of odd parity where it is one of DES.
pub fn key(key_type: ck::CK_KEY_TYPE, length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = (0..length).map(|at| (at * 11 + length) as u8).collect();
    if [ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3].contains(&key_type) {
        key.iter_mut().for_each(|byte| *byte ^= u8::from(byte.count_ones() % 2 == 0));
    }
    key
}

/// An IV, a nonce, a counter.
pub fn iv<const N: usize>() -> [u8; N] {
    std::array::from_fn(|at| (at * 5 + 9) as u8)
}

/// What is encrypted, signed or hashed.
pub fn data(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + 1) as u8).collect()
}
