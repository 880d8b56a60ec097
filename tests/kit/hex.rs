//! Bytes as the vectors of standards write them.

/// The bytes of hexadecimal digits; blanks and line ends are passed over.
pub fn hex(digits: &str) -> Vec<u8> {
    let digits = digits.chars().filter(|character| !character.is_whitespace());
    let digits: Vec<u8> = digits.map(|digit| digit.to_digit(16).expect("a hexadecimal digit") as u8).collect();
    assert!(digits.len() % 2 == 0, "half a byte");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
