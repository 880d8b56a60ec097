//! HChaCha20 (draft-irtf-cfrg-xchacha section 2.2): a key of its own for each long nonce. OpenSSL has no such function.

use sealhsm_secret::{Secret, Wipe};

/// Bytes of a key, in and out.
pub const KEY: usize = 32;
/// Bytes of the part of the nonce that goes into it.
pub const NONCE: usize = 16;

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The ChaCha20 key for this key and the first 16 bytes of the nonce.
pub fn derive(key: &[u8; KEY], nonce: &[u8; NONCE]) -> Secret {
    let mut state = [0; 16];
    state[..4].copy_from_slice(&CONSTANTS);
    for (word, bytes) in state[4..].iter_mut().zip(key.chunks_exact(4).chain(nonce.chunks_exact(4))) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut state, [column, 4 + column, 8 + column, 12 + column]);
        }
        for diagonal in 0..4 {
            quarter(&mut state, [diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4]);
        }
    }
    let mut out = Secret::zeroed(KEY);
    for (bytes, word) in out.as_mut().chunks_exact_mut(4).zip(state[..4].iter().chain(&state[12..])) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    state.wipe();
    out
}

/// RFC 8439 section 2.1.
fn quarter(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (left, right) in [(16, 12), (8, 7)] {
        state[a] = state[a].wrapping_add(state[b]);
        state[d] = (state[d] ^ state[a]).rotate_left(left);
        state[c] = state[c].wrapping_add(state[d]);
        state[b] = (state[b] ^ state[c]).rotate_left(right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Context, Direction};

    #[test]
    fn the_vector_of_the_draft_comes_out() {
        let key: [u8; KEY] = std::array::from_fn(|at| at as u8);
        let nonce = [0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27];
        let expected = [
            0x82, 0x41, 0x3b, 0x42, 0x27, 0xb2, 0x7b, 0xfe, 0xd3, 0x0e, 0x42, 0x50, 0x8a, 0x87, 0x7d, 0x73, 0xa0, 0xf9,
            0xe4, 0xd5, 0x8a, 0x74, 0xa8, 0x53, 0xc1, 0x2e, 0xc4, 0x13, 0x26, 0xd3, 0xec, 0xdc,
        ];
        assert_eq!(derive(&key, &nonce).as_ref(), expected);
    }

    #[test]
    fn it_is_the_key_stream_of_chacha20_without_the_last_addition() {
        // The judge is OpenSSL's ChaCha20: a block of its key stream less the words that go in.
        let key: [u8; KEY] = std::array::from_fn(|at| (at * 7 + 3) as u8);
        let nonce: [u8; NONCE] = std::array::from_fn(|at| (at * 13 + 5) as u8);
        let mut context = Context::new(c"ChaCha20", &key, Direction::Encrypt, false).unwrap();
        context.restart(&nonce).unwrap();
        let mut stream = [0; 64];
        context.update(&[0; 64], &mut stream).unwrap();
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let first = stream.chunks(4).take(4).zip(CONSTANTS).map(|(out, added)| word(out).wrapping_sub(added));
        let last =
            stream.chunks(4).skip(12).zip(nonce.chunks(4)).map(|(out, added)| word(out).wrapping_sub(word(added)));
        let expected: Vec<u8> = first.chain(last).flat_map(u32::to_le_bytes).collect();
        assert_eq!(derive(&key, &nonce).as_ref(), expected);
    }
}
