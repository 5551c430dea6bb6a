//! How long a claim was stated: from one delivery on, until another in which it went silent.
//!
//! What two claims say side by side tells them apart only if both were stated at one time: a number that comes in the delivery in which
//! another goes has taken its place.

use crate::delivery::DeliveryId;
use crate::statement::Statement;

/// From the first delivery that stated it, until the one in which it was no longer stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first delivery known to state it; deliveries are numbered in the order they arrived.
    pub from: DeliveryId,
    /// The one that no longer did; none while it is stated.
    pub until: Option<DeliveryId>,
}

impl Span {
    /// Stated since a delivery.
    pub fn since(from: DeliveryId) -> Self {
        Self { from, until: None }
    }

    /// How long a kept claim was stated. Going silent leaves the delivery in which it did among its origins, as the last.
    pub fn of(statement: &Statement) -> Self {
        // That a number was passed on later does not make the silence shorter.
        let origins = || statement.stated.origins.iter().filter(|origin| !origin.is_passed_on());
        let deliveries = || origins().map(|origin| origin.delivery);
        let from = deliveries().min().unwrap_or(DeliveryId(uuid::Uuid::nil()));
        let until = statement.absent.then(|| deliveries().max().unwrap_or(from));
        Self { from, until }
    }

    /// Still stated.
    pub fn lasts(self) -> bool {
        self.until.is_none()
    }

    /// Whether both were stated at one time.
    pub fn meets(self, other: Self) -> bool {
        let begins_before =
            |from: DeliveryId, until: Option<DeliveryId>| until.is_none_or(|until| from < until);
        begins_before(self.from, other.until) && begins_before(other.from, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_place_of_another_does_not_meet_it() {
        let delivery = |at: u128| DeliveryId(uuid::Uuid::from_u128(at));
        let span = |from, until: Option<u128>| Span { from: delivery(from), until: until.map(delivery) };
        for (a, b, wanted) in [
            (span(1, None), span(5, None), true),
            (span(1, Some(2)), span(2, None), false),
            (span(1, Some(3)), span(2, None), true),
            (span(1, Some(2)), span(3, Some(4)), false),
        ] {
            assert_eq!((a.meets(b), b.meets(a)), (wanted, wanted), "{a:?} {b:?}");
        }
    }
}
