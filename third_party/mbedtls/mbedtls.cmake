# deps::mbedtls: built by us (see CMakeLists.txt beside this file) into the cache, and reused from
# there by every build folder whose version, configuration, compiler and flags are the same.
set(OPENAI_PROXY_MBEDTLS_SOURCE "${OPENAI_PROXY_CACHE}/mbedtls" CACHE PATH
    "Source tree of mbedTLS 3.6 with 3rdparty/ in it")
set(mbedtls_source "${OPENAI_PROXY_MBEDTLS_SOURCE}")
if(NOT EXISTS "${mbedtls_source}/3rdparty/everest/library/x25519.c")
  dependency_failed(NAME mbedTLS PACKAGE "the source package mbedtls" MINIMUM 3.6.3
                    VARIABLE OPENAI_PROXY_MBEDTLS_SOURCE)
endif()
dependency_version(mbedtls_version "MBEDTLS_VERSION_STRING +\"([0-9.]+)\""
                   "${mbedtls_source}/include/mbedtls/build_info.h")
if(mbedtls_version VERSION_LESS 3.6.3 OR mbedtls_version VERSION_GREATER_EQUAL 4)
  dependency_failed(NAME mbedTLS PACKAGE "the source package mbedtls" MINIMUM "3.6.3 (not 4.x)"
                    VARIABLE OPENAI_PROXY_MBEDTLS_SOURCE FOUND "${mbedtls_version}")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/../ipsec-mb/ipsec-mb.cmake")
set(mbedtls_glue "${CMAKE_CURRENT_LIST_DIR}")
set(mbedtls_includes "${mbedtls_glue}" "${mbedtls_source}/include"
    "${mbedtls_source}/3rdparty/everest/include")
set(mbedtls_definitions "MBEDTLS_CONFIG_FILE=\"openai_proxy_mbedtls_config.h\"")
set(gcm_alt_folder "")
set(gcm_alt_include "")
set(gcm_alt_files "")
if(OPENAI_PROXY_GCM_ALT)
  cmake_path(SET gcm_alt_folder NORMALIZE "${mbedtls_glue}/../ipsec-mb")
  get_target_property(gcm_alt_include deps::ipsec-mb INTERFACE_INCLUDE_DIRECTORIES)
  list(APPEND mbedtls_includes "${gcm_alt_folder}")
  list(APPEND mbedtls_definitions OPENAI_PROXY_GCM_ALT)
  file(GLOB gcm_alt_files CONFIGURE_DEPENDS "${gcm_alt_folder}/*.[ch]")
endif()

set(mbedtls_flags ${OPENAI_PROXY_HARDENING} ${OPENAI_PROXY_SANITIZER_FLAGS})
if(OPENAI_PROXY_SANITIZE STREQUAL "address")
  # x509_name_cmp() compares two empty names by memcmp(NULL, NULL, 0): harmless, and not ours.
  list(APPEND mbedtls_flags -fno-sanitize=nonnull-attribute)
endif()
set(mbedtls_glue_hashes "")
file(GLOB mbedtls_glue_files CONFIGURE_DEPENDS "${mbedtls_glue}/*.[ch]"
     "${mbedtls_glue}/CMakeLists.txt")
foreach(file ${mbedtls_glue_files} ${gcm_alt_files})
  file(SHA256 "${file}" hash)
  list(APPEND mbedtls_glue_hashes "${hash}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
endforeach()
string(SHA256 mbedtls_key "${mbedtls_version};${mbedtls_source};${mbedtls_glue_hashes};\
${OPENAI_PROXY_GCM_ALT};${gcm_alt_include};${CMAKE_C_COMPILER};${CMAKE_C_COMPILER_VERSION};\
${CMAKE_C_FLAGS};${CMAKE_SYSTEM_PROCESSOR};${CMAKE_TOOLCHAIN_FILE};${mbedtls_flags}")
string(SUBSTRING "${mbedtls_key}" 0 16 mbedtls_key)
set(mbedtls_build "${OPENAI_PROXY_CACHE}/mbedtls-build/${mbedtls_key}")

file(MAKE_DIRECTORY "${mbedtls_build}")
file(LOCK "${mbedtls_build}/lock" TIMEOUT 600)
if(NOT EXISTS "${mbedtls_build}/done")
  message(STATUS "Building mbedTLS ${mbedtls_version} (once)")
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${mbedtls_glue}" -B "${mbedtls_build}" -G "${CMAKE_GENERATOR}"
            "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}" "-DCMAKE_C_FLAGS=${CMAKE_C_FLAGS}"
            "-DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}"
            "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}"
            "-DMBEDTLS_SOURCE=${mbedtls_source}" "-DMBEDTLS_FLAGS=${mbedtls_flags}"
            "-DGCM_ALT=${gcm_alt_folder}" "-DIPSEC_MB_INCLUDE=${gcm_alt_include}"
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${mbedtls_build}" -j ${cores}
                  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  file(TOUCH "${mbedtls_build}/done")
endif()
file(LOCK "${mbedtls_build}/lock" RELEASE)

add_library(deps::mbedtls STATIC IMPORTED)
set_target_properties(deps::mbedtls PROPERTIES
  IMPORTED_LOCATION "${mbedtls_build}/libmbedtls.a"
  INTERFACE_INCLUDE_DIRECTORIES "${mbedtls_includes}"
  INTERFACE_COMPILE_DEFINITIONS "${mbedtls_definitions}"
  INTERFACE_LINK_LIBRARIES "$<TARGET_NAME_IF_EXISTS:deps::ipsec-mb>;Threads::Threads")
dependency_found(mbedTLS "${mbedtls_version}" "${mbedtls_source}")
