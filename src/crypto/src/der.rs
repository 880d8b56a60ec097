//! The few pieces of DER (X.690) that keys and signatures need, written and read in place.

use sealhsm_secret::Secret;

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;

/// One element of these contents.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 10);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let short = strip(&bytes);
        out.push(0x80 | short.len() as u8);
        out.extend_from_slice(short);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// The same for a secret: written once into memory that is wiped.
pub fn secret(tag: u8, parts: &[&[u8]]) -> Secret {
    Secret::from(element(tag, parts))
}

/// A natural number as INTEGER.
pub fn integer(big_endian: &[u8]) -> Vec<u8> {
    let number = strip(big_endian);
    let sign: &[u8] = if number.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(INTEGER, &[sign, number])
}

/// A public key in a SubjectPublicKeyInfo (RFC 5280 section 4.1): `algorithm` is the contents of its sequence.
pub fn public_key_info(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, algorithm);
    let key = element(BIT_STRING, &[&[0], key]);
    element(SEQUENCE, &[&algorithm, &key])
}

/// The public key in a SubjectPublicKeyInfo, which is the contents of its BIT STRING.
pub fn public_key(info: &[u8]) -> Option<&[u8]> {
    let (_, bits) = read(SEQUENCE, whole(SEQUENCE, info)?)?;
    match whole(BIT_STRING, bits)? {
        [0, key @ ..] => Some(key),
        _ => None,
    }
}

/// The contents of the element of this tag that `bytes` begins with, and what follows it.
pub fn read(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            let length = digits.iter().fold(0usize, |n, digit| n << 8 | usize::from(*digit));
            // Only the shortest form is DER.
            if digits[0] == 0 || length < 0x80 {
                return None;
            }
            length
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

/// The contents of `bytes` if it is one element of this tag and nothing else.
pub fn whole(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    read(tag, bytes).and_then(|(contents, rest)| rest.is_empty().then_some(contents))
}

/// Without leading zeros.
pub fn strip(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_only_the_shortest_form_is() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let contents = vec![7; length];
            let written = element(OCTET_STRING, &[&contents]);
            assert_eq!(whole(OCTET_STRING, &written), Some(&contents[..]));
            assert_eq!(whole(INTEGER, &written), None);
            for cut in 0..written.len().min(300) {
                assert_eq!(whole(OCTET_STRING, &written[..cut]), None);
            }
        }
        assert_eq!(whole(OCTET_STRING, &[4, 0x81, 1, 9]), None);
        assert_eq!(whole(OCTET_STRING, &[4, 0x80, 0, 0]), None);
        assert_eq!(whole(OCTET_STRING, &[4, 1, 9, 9]), None);
    }

    #[test]
    fn a_public_key_is_found_in_what_was_written_and_nowhere_else() {
        let info = public_key_info(&[&[OID, 1, 1]], b"key");
        assert_eq!(public_key(&info), Some(&b"key"[..]));
        assert_eq!(public_key(&info[1..]), None);
        let odd = element(SEQUENCE, &[&element(SEQUENCE, &[]), &element(BIT_STRING, &[&[3], b"key"])]);
        assert_eq!(public_key(&odd), None);
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
    }
}
