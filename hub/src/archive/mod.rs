//! Where deliveries' bytes are kept: a local folder, or a bucket of an object store, behind the port `hub_core::archive`.

mod folder;
mod landing;
mod object_store;

pub use self::object_store::BucketArchive;
pub use folder::{FolderArchive, private_folder};
