//! HOTP (RFC 4226; PKCS#11 3.2 section 6.53): one-time passwords of a counter. The counter of a key only goes forward,
//! and is stored before the password leaves; that is the business of `application::otp`.

use super::engine::{Counter, Signer, Verifier};
use super::key::Key;
use super::secret::{self, MAX_SECRET};
use super::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::{self, MAX_LEN};
use sealhsm_crypto::mac::{self, Hmac};
use sealhsm_secret::Wipe;

/// CK_OTP_PARAMS, as far as HOTP looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Otp {
    /// CK_OTP_COUNTER, from its big-endian form.
    pub counter: Option<u64>,
    /// CK_OTP_FLAGS.
    pub flags: u64,
    /// CK_OTP_OUTPUT_LENGTH.
    pub len: Option<u64>,
    /// CK_OTP_OUTPUT_FORMAT.
    pub format: Option<u64>,
}

const SIZES: (u64, u64) = (1, MAX_SECRET);
const TYPES: &[u64] = &[ck::CKK_HOTP];
/// Bytes of a new key: as long as the hash (RFC 4226 section 4, R6).
const LEN: usize = 20;

pub(super) static ROWS: &[Row] = &[
    row!(CKM_HOTP_KEY_GEN {
        sizes: SIZES,
        key_types: TYPES,
        generate: Some(|parameter, template| secret::generate(parameter, template, Some(LEN))),
        makes: ck::CKO_OTP_KEY,
    }),
    row!(CKM_HOTP {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::Otp,
        one_message: true,
        sign: Some(|key| Ok(Box::new(Hotp::new(key)?))),
        verify: Some(|key| Ok(Box::new(Hotp::new(key)?))),
        one_part: true,
    }),
];

/// How many digits a password may have (RFC 4226 section 5.3: at least 6; no more than 31 bits give).
pub const DIGITS: std::ops::RangeInclusive<u64> = 6..=10;
/// Bytes of a counter, which stands before the digits in what is given.
pub const COUNTER: usize = 8;
/// What the mechanism does not have is left out of it in any case.
const WITHOUT_EFFECT: u64 = ck::CKF_EXCLUDE_TIME | ck::CKF_EXCLUDE_CHALLENGE | ck::CKF_EXCLUDE_PIN;

struct Hotp {
    hmac: Hmac,
    /// The handle of the key.
    object: u64,
    /// CKA_OTP_LENGTH and CKA_OTP_USER_FRIENDLY_MODE.
    wanted: (u64, bool),
    digits: usize,
    /// CK_OTP_COUNTER.
    asked: Option<u64>,
    /// The counter that is stored as used up, for one password.
    counted: Option<u64>,
}

impl Hotp {
    fn new(key: &Key) -> Result<Hotp> {
        let (value, len, friendly) = key.otp()?;
        let hmac = Hmac::new(&digest::SHA1, value.as_ref()).map_err(failed)?;
        Ok(Hotp { hmac, object: key.object, wanted: (len, friendly), digits: 0, asked: None, counted: None })
    }

    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let Parameter::Otp(given) = *parameter else { return Err(Error::MechanismParamInvalid) };
        let (len, friendly) = self.wanted;
        let flags = given.flags & !WITHOUT_EFFECT;
        let len = given.len.unwrap_or(len);
        let right = (flags == 0 || flags == ck::CKF_USER_FRIENDLY_OTP && friendly)
            && given.format.unwrap_or(ck::CK_OTP_FORMAT_DECIMAL) == ck::CK_OTP_FORMAT_DECIMAL
            && DIGITS.contains(&len);
        if !right {
            return Err(Error::MechanismParamInvalid);
        }
        (self.digits, self.asked, self.counted) = (len as usize, given.counter, None);
        Ok(())
    }

    /// RFC 4226 section 5.3.
    fn write(&mut self, counter: u64, digits: &mut [u8]) -> Result<()> {
        let (mut mac, hmac) = ([0; MAX_LEN], &mut self.hmac);
        hmac.restart().and_then(|()| hmac.update(&counter.to_be_bytes())).map_err(failed)?;
        hmac.finish(&mut mac).map_err(failed)?;
        let from = usize::from(mac[digest::SHA1.len - 1] & 0xf);
        let cut = [mac[from], mac[from + 1], mac[from + 2], mac[from + 3]];
        let mut rest = u32::from_be_bytes(cut) & 0x7fff_ffff;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        mac.wipe();
        Ok(())
    }
}

impl Signer for Hotp {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn signature_len(&self) -> usize {
        COUNTER + self.digits
    }
    fn update(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }
    fn once(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        if !data.is_empty() {
            return Err(Error::DataLenRange);
        }
        let counter = self.counted.take().ok_or(Error::FunctionNotSupported)?;
        output[..COUNTER].copy_from_slice(&counter.to_be_bytes());
        self.write(counter, &mut output[COUNTER..COUNTER + self.digits])?;
        Ok(COUNTER + self.digits)
    }
    fn multi_part(&self) -> bool {
        false
    }
    fn counter(&self) -> Option<Counter> {
        Some(Counter { object: self.object, asked: self.asked })
    }
    fn counted(&mut self, counter: u64) {
        self.counted = Some(counter);
    }
}

impl Verifier for Hotp {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)?;
        if self.asked.is_some() { Ok(()) } else { Err(Error::MechanismParamInvalid) }
    }
    fn update(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn finish(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        if !data.is_empty() {
            return Err(Error::DataLenRange);
        }
        if signature.len() != self.digits {
            return Err(Error::SignatureLenRange);
        }
        let mut right = [0; *DIGITS.end() as usize];
        self.write(self.asked.ok_or(Error::MechanismParamInvalid)?, &mut right[..self.digits])?;
        if mac::same(&right[..self.digits], signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
    fn multi_part(&self) -> bool {
        false
    }
}
