//! Public registers that values of a person are held against: communes, départements, the forms of numbers.
//!
//! Values as stated enter; what there is to doubt of them leaves, and the département a person is of. Pure: the registers are
//! data of the program. A doubt changes no value and refuses no record; it is told, and shown beside the value.

mod birth;
mod commune;
mod departement;
mod doubt;
mod name;
mod number;

pub(crate) use departement::of_commune;
pub use departement::{departement, departements};
pub use doubt::{Checks, Doubt};
pub use number::is_rome;
