// The main() of every doctest executable that does not bring its own (tests/<kind>/main.cc).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
