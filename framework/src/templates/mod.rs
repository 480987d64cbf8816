//! The room `templates`.
