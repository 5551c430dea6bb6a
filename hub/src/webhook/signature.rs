//! How a request is signed: as Standard Webhooks 1.0 has it, so that a tool checks it with a library of its language.
//!
//! `HMAC-SHA256(secret, "id.timestamp.body")`, in base64 behind `v1,`; one for each secret in force, apart by a space.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// What a secret shown to a tool begins with; the rest is base64.
pub const SECRET_PREFIX: &str = "whsec_";

/// Signs a body by each secret; `timestamp` in seconds since 1970.
///
/// # Panics
/// Never: HMAC takes a key of any length.
pub fn sign(secrets: &[Vec<u8>], (id, timestamp): (Uuid, i64), body: &[u8]) -> String {
    let one = |secret: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values were computed with Python's `hmac`.
    #[test]
    fn a_body_is_signed_as_the_standard_has_it() {
        let id = Uuid::from_u128(0x0193_7d5e_0000_7000_8000_0000_0000_0001);
        let (one, two) = (b"0123456789abcdef0123456789abcdef".to_vec(), b"fedcba9876543210".to_vec());
        let expected =
            "v1,LX8SN1OpRvzr7RkObuiO4n77fOJP1lc3t9aBADr4Yl8= v1,RpD71O2eaHlguvJD6tcvAsdONGTXjREO0mdHuY3YNqs=";
        assert_eq!(sign(&[one, two], (id, 1_764_425_000), b"{\"a\":1}"), expected);
    }
}
