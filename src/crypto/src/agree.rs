//! Key agreement on curves (NIST SP 800-56A section 5.7.1.2, RFC 7748 section 6). Every curve here has a cofactor of 1,
//! or clears it by itself, so agreement with and without the cofactor are the same.

use crate::Result;
use crate::curve::{Curve, Shape};
use crate::pkey::Key;
use openssl::derive::Deriver;
use sealhsm_secret::Secret;

/// The shared secret, as long as a coordinate. `peer` is a public key of the same curve; `None` when it is of small
/// order, which on Montgomery curves shows in a result of zero. On the others zero is a coordinate like any other.
pub fn agree(key: &Key, curve: &Curve, peer: &Key) -> Result<Option<Secret>> {
    let mut deriver = Deriver::new(key.pkey())?;
    // Not validated again: on a curve of prime order every point but infinity, which has no such encoding, is right
    // (NIST SP 800-56A section 5.6.2.3.3); whoever made the key found it on the curve.
    if deriver.set_peer_ex(peer.pkey(), false).is_err() {
        return Ok(None);
    }
    let mut shared = Secret::zeroed(curve.len);
    match deriver.derive(shared.as_mut()) {
        Ok(len) if len != curve.len => Ok(None),
        Ok(_) if curve.shape == Shape::Montgomery && shared.as_ref().iter().all(|byte| *byte == 0) => Ok(None),
        Ok(_) => Ok(Some(shared)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve;

    #[test]
    fn both_sides_agree_on_every_curve() {
        for curve in curve::all().iter().filter(|curve| curve.shape != Shape::Edwards) {
            let (a, a_public) = curve.generate().unwrap();
            let (b, b_public) = curve.generate().unwrap();
            let [a, b] = [a, b].map(|private| curve.private_key(private.as_ref()).unwrap());
            let one = agree(&a, curve, &curve.public_key(&b_public).unwrap()).unwrap().unwrap();
            let other = agree(&b, curve, &curve.public_key(&a_public).unwrap()).unwrap().unwrap();
            assert!(one.ct_eq(other.as_ref()), "{curve:?}");
        }
    }

    #[test]
    fn a_peer_of_small_order_gives_nothing() {
        for curve in curve::all().iter().filter(|curve| curve.shape == Shape::Montgomery) {
            let (key, _) = curve.generate_key().unwrap();
            for small in [0, 1] {
                let mut peer = vec![0; curve.len];
                peer[0] = small;
                assert!(agree(&key, curve, &curve.public_key(&peer).unwrap()).unwrap().is_none());
            }
        }
    }
}
