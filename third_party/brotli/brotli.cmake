# deps::brotli, the decoder's static library of the system's package and the one that it needs. Its
# headers say no version: pkg-config's file does.
add_dependency(brotli PACKAGE libbrotli-dev MINIMUM 1.0
  HEADER brotli/decode.h LIBRARY libbrotlidec.a libbrotlidec-static.a
  VERSION_FILES ../lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig/libbrotlidec.pc
                ../lib/pkgconfig/libbrotlidec.pc ../lib64/pkgconfig/libbrotlidec.pc
  VERSION_PATTERN "Version: ([0-9]+)\\.([0-9]+)\\.([0-9]+)")
get_target_property(brotli_decoder deps::brotli IMPORTED_LOCATION)
string(REPLACE brotlidec brotlicommon brotli_common "${brotli_decoder}")
set_target_properties(deps::brotli PROPERTIES INTERFACE_LINK_LIBRARIES "${brotli_common}")
