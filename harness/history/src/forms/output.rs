//! Protobuf as it is written: fields, and messages whose length is known only at their end.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

/// The bytes so far.
#[derive(Debug, Default)]
pub(super) struct Output(Vec<u8>);

/// Where a message that is still open begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open(usize);

impl Output {
    /// Begins a field that has a length, such as a message.
    pub(super) fn open(&mut self, number: u32) -> Open {
        encode_key(number, WireType::LengthDelimited, &mut self.0);
        // The length of most messages takes one byte.
        self.0.push(0);
        Open(self.0.len())
    }

    /// Ends it.
    pub(super) fn close(&mut self, Open(start): Open) {
        let length = self.0.len() - start;
        let width = encoded_len_varint(length as u64);
        if width > 1 {
            self.0.resize(start + length + width - 1, 0);
            self.0.copy_within(start..start + length, start + width - 1);
        }
        encode_varint(length as u64, &mut &mut self.0[start - 1..start - 1 + width]);
    }

    /// What was written since it was opened.
    pub(super) fn since(&self, Open(start): Open) -> &[u8] {
        &self.0[start..]
    }

    /// A field of type varint; the value alone where `number` is `None`, as in a packed list.
    pub(super) fn varint(&mut self, number: Option<u32>, value: u64) {
        self.key(number, WireType::Varint);
        encode_varint(value, &mut self.0);
    }

    /// A `double`.
    pub(super) fn double(&mut self, number: Option<u32>, value: f64) {
        self.key(number, WireType::SixtyFourBit);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A `float`.
    pub(super) fn float(&mut self, number: Option<u32>, value: f32) {
        self.key(number, WireType::ThirtyTwoBit);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A `string` or `bytes`.
    pub(super) fn bytes(&mut self, number: u32, value: &[u8]) {
        encode_key(number, WireType::LengthDelimited, &mut self.0);
        encode_varint(value.len() as u64, &mut self.0);
        self.0.extend_from_slice(value);
    }

    /// Bytes without a key, within an open field.
    pub(super) fn raw(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.0);
    }

    /// How many bytes there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes out all that was written from `start` on.
    pub(super) fn split_off(&mut self, start: usize) -> Vec<u8> {
        match start {
            0 => std::mem::take(&mut self.0),
            _ => self.0.split_off(start),
        }
    }

    fn key(&mut self, number: Option<u32>, wire_type: WireType) {
        if let Some(number) = number {
            encode_key(number, wire_type, &mut self.0);
        }
    }
}
