# What every dependency's own .cmake file uses: find, read the version, say what is missing.
# OPENAI_PROXY_CACHE holds what fetch.sh unpacked and what is built from it.
set(OPENAI_PROXY_CACHE "${CMAKE_CURRENT_LIST_DIR}/.cache" CACHE PATH
    "Where fetched and built dependencies are kept")

# Stops the configuration with the package, the version and the variable that would help.
function(dependency_failed)
  cmake_parse_arguments(arg "" "NAME;PACKAGE;MINIMUM;VARIABLE;FOUND" "" ${ARGN})
  if(arg_FOUND)
    set(problem "${arg_NAME} ${arg_FOUND} is too old or not supported")
  else()
    set(problem "${arg_NAME} is missing")
  endif()
  message(FATAL_ERROR "${problem}: needed is ${arg_MINIMUM} or newer.\n"
    "On Debian, `make setup` gets it (${arg_PACKAGE}). Elsewhere give the place of a local copy: "
    "cmake -D${arg_VARIABLE}=DIR …")
endfunction()

# Sets OUT to what the groups of PATTERN match, joined by dots, in the first file (ARGN) that has it.
function(dependency_version out pattern)
  set(version "")
  foreach(file ${ARGN})
    if(NOT version AND EXISTS "${file}")
      file(READ "${file}" text)
      if(text MATCHES "${pattern}")
        foreach(group RANGE 1 ${CMAKE_MATCH_COUNT})
          list(APPEND version "${CMAKE_MATCH_${group}}")
        endforeach()
        list(JOIN version "." version)
      endif()
    endif()
  endforeach()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

function(dependency_found name version place)
  message(STATUS "Dependency ${name} ${version}: ${place}")
endfunction()

# Makes deps::<name> of a header, optionally a static library, and a version read from
# one of several files (relative to the include folder).
# OPENAI_PROXY_<NAME>_ROOT is looked into first (ROOT gives further places). The target's property
# DEPENDENCY_VERSION is what was found.
function(add_dependency name)
  cmake_parse_arguments(arg "" "PACKAGE;MINIMUM;HEADER;VERSION_PATTERN"
                        "LIBRARY;ROOT;VERSION_FILES" ${ARGN})
  string(TOUPPER "${name}" key)
  string(REPLACE "-" "_" key "${key}")
  set(variable "OPENAI_PROXY_${key}_ROOT")
  set(${variable} "" CACHE PATH "Where ${name} is installed (its include/ and lib/)")
  set(roots ${${variable}} ${arg_ROOT})
  set(failed NAME ${name} PACKAGE "${arg_PACKAGE}" MINIMUM ${arg_MINIMUM} VARIABLE ${variable})

  find_path(include NAMES "${arg_HEADER}" HINTS ${roots} PATH_SUFFIXES include NO_CACHE)
  if(NOT include)
    dependency_failed(${failed})
  endif()
  list(TRANSFORM arg_VERSION_FILES PREPEND "${include}/")
  dependency_version(version "${arg_VERSION_PATTERN}" ${arg_VERSION_FILES})
  if(NOT version OR version VERSION_LESS "${arg_MINIMUM}")
    dependency_failed(${failed} FOUND "(version '${version}' in ${include})")
  endif()

  set(place "${include}")
  if(arg_LIBRARY)
    find_library(library NAMES ${arg_LIBRARY} HINTS ${roots}
                 PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_CACHE)
    if(NOT library)
      dependency_failed(${failed})
    endif()
    add_library(deps::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(deps::${name} PROPERTIES IMPORTED_LOCATION "${library}")
    set(place "${library}")
  else()
    add_library(deps::${name} INTERFACE IMPORTED GLOBAL)
  endif()
  set_target_properties(deps::${name} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}"
                        DEPENDENCY_VERSION "${version}")
  dependency_found(${name} "${version}" "${place}")
endfunction()
