//! As much DER as the vectors have around what PKCS#11 takes. Strict: what is not DER is `None`.

/// The content of an element with this tag, and what comes after it.
pub fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81..=0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let long = bytes.iter().fold(0, |long, byte| long << 8 | usize::from(*byte));
            // The shortest form only.
            (if bytes[0] != 0 && long >= 0x80 { long } else { return None }, rest)
        }
        _ => return None,
    };
    if first == tag { rest.split_at_checked(length) } else { None }
}

/// The content of an element with nothing after it.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// An INTEGER that is not negative, without a leading zero, and what comes after it.
fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, rest) = element(2, der)?;
    match content {
        [0] => Some((&[], rest)),
        [0, second, ..] if second & 0x80 != 0 => Some((&content[1..], rest)),
        [first, ..] if first & 0x80 == 0 && *first != 0 => Some((content, rest)),
        _ => None,
    }
}

/// SEQUENCE { r, s } as r ‖ s, each of `length` bytes, or of as many as the longer needs.
pub fn signature(der: &[u8], length: usize) -> Option<Vec<u8>> {
    let (r, rest) = integer(only(0x30, der)?)?;
    let (s, rest) = integer(rest)?;
    let length = length.max(r.len()).max(s.len());
    let padded = |number: &[u8]| [vec![0; length - number.len()], number.to_vec()].concat();
    rest.is_empty().then(|| [padded(r), padded(s)].concat())
}

/// id-ecPublicKey (RFC 5480).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// The parameters and the point of a SubjectPublicKeyInfo of an EC key (RFC 5480).
pub fn ec_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, key) = element(0x30, only(0x30, der)?)?;
    let (oid, parameters) = element(6, algorithm)?;
    let (unused, point) = only(3, key)?.split_first()?;
    (oid == EC_PUBLIC_KEY && *unused == 0 && !parameters.is_empty()).then_some((parameters, point))
}
