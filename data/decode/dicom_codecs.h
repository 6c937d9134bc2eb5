#pragma once
#include <cstddef>
#include <span>

#include "data/decode/sixteen_bits.h"

/// The compressions of DICOM's pixels that no other format uses. Each checks, before it takes memory, that the data
/// have the size of `to`, and fills it. Throws Error with the reason alone.
namespace minissl {

/// JPEG's lossless process (ITU T.81, annex H) with Huffman codes, 2 to 16 bits.
void decode_lossless_jpeg(std::span<const std::byte> bytes, Pixels16& to);
/// DICOM's run lengths (PS3.5, annex G).
void decode_dicom_runs(std::span<const std::byte> bytes, int bytes_of_value, Pixels16& to);
/// Codestreams, by OpenJPEG. Signed values as two's complement.
void decode_jpeg_2000(std::span<const std::byte> bytes, Pixels16& to);
/// By CharLS.
void decode_jpeg_ls(std::span<const std::byte> bytes, Pixels16& to);

}  // namespace minissl
