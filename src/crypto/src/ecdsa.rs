//! ECDSA signatures: between the DER that OpenSSL speaks (RFC 3279 section 2.2.3) and two numbers of fixed length.

use crate::der::{self, strip};

/// The longest DER signature: two numbers of 66 bytes.
pub const MAX_DER: usize = 3 + 2 * (3 + 66);

/// DER to r ‖ s, each as long as half of `out`; `None` when it is no signature.
pub fn to_fixed(signature: &[u8], out: &mut [u8]) -> Option<()> {
    let half = out.len() / 2;
    let mut rest = der::whole(der::SEQUENCE, signature)?;
    for to in out.chunks_exact_mut(half) {
        let (number, after) = der::read(der::INTEGER, rest)?;
        rest = after;
        let number = strip(number);
        let zeros = half.checked_sub(number.len())?;
        to[..zeros].fill(0);
        to[zeros..].copy_from_slice(number);
    }
    rest.is_empty().then_some(())
}

/// r ‖ s of any even length to DER.
pub fn to_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    der::element(der::SEQUENCE, &[&der::integer(r), &der::integer(s)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        for fixed in [[0, 1, 0, 2], [0xff, 0, 0x80, 0], [0x7f, 0xff, 0, 0x80]] {
            let mut back = [9; 4];
            to_fixed(&to_der(&fixed), &mut back).unwrap();
            assert_eq!(back, fixed);
        }
        assert!(to_fixed(&to_der(&[1; 6]), &mut [0; 4]).is_none());
        assert!(to_fixed(&[0x30, 0], &mut [0; 4]).is_none());
        assert_eq!(to_der(&[0xff; 132]).len(), MAX_DER);
    }
}
