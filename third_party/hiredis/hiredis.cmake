# deps::hiredis, the static library of the system's package. Its reader of replies alone is used:
# sockets and names are net/'s.
add_dependency(hiredis PACKAGE libhiredis-dev MINIMUM 0.14
  HEADER hiredis/hiredis.h LIBRARY libhiredis.a VERSION_FILES hiredis/hiredis.h
  VERSION_PATTERN "define HIREDIS_MAJOR +([0-9]+).*define HIREDIS_MINOR +([0-9]+).*define HIREDIS_PATCH +([0-9]+)")
