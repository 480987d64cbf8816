//! The room `frontend`.
