# deps::sqlite, the static library of the system's package. RETURNING came with 3.35.
add_dependency(sqlite PACKAGE libsqlite3-dev MINIMUM 3.35
  HEADER sqlite3.h LIBRARY libsqlite3.a VERSION_FILES sqlite3.h
  VERSION_PATTERN "define SQLITE_VERSION +\"([0-9.]+)\"")
set_target_properties(deps::sqlite PROPERTIES
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
