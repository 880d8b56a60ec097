//! The module in its surroundings: the program that loads it, the TPM, the disk, other processes.

mod arguments;
mod crash;
mod faults;
mod footprint;
mod hosts;
mod many;
mod symbols;
mod tpm;
