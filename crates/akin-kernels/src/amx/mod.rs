//! AMX: matrices of 16 rows of 64 bytes held in eight tile registers and multiplied by one
//! instruction. Stable Rust has no intrinsics for it, so the instructions are written out. The compiler keeps
//! nothing in tiles, so what one block of instructions leaves there is there for the next. Each block declares
//! the tiles that it changes.
//!
//! Bytes are multiplied as they are, with exact sums. Floats are cut into a high and a low bf16 half, which
//! together keep 16 of their 24 bits. Three products of halves make up one product, summed in f32. This
//! loses about as much as f32 loses by rounding its sums.
//!
//! Operands come as tiles of 1 KiB in the order in which they are read: rows as `[rows /
//! 16][step][plane][16][64]` bytes, weights as `[panel][step][plane][16][64]`. A step is 64 bytes of depth;
//! a plane is the high or the low half.

pub(super) mod attention;
mod halves;
mod product;
mod tiles;

pub(super) use halves::{STEP, pack_weights, split_rows};
pub(super) use product::{ByteTiles, HalfTiles, TileProduct, tile_product};
pub(super) use tiles::{Amx, TILE, TILE_BYTES, TILE_ROW_BYTES};
