# deps::doctest, one header; only tests use it.
add_dependency(doctest PACKAGE doctest-dev MINIMUM 2.4
  HEADER doctest/doctest.h VERSION_FILES doctest/doctest.h
  VERSION_PATTERN "DOCTEST_VERSION_MAJOR +([0-9]+).*DOCTEST_VERSION_MINOR +([0-9]+).*DOCTEST_VERSION_PATCH +([0-9]+)")
