# deps::llhttp, static: the system's package where it is new enough, else what fetch.sh unpacked.
# Older ones are not strict enough against request smuggling.
add_dependency(llhttp PACKAGE libllhttp-dev MINIMUM 9.2
  HEADER llhttp.h LIBRARY libllhttp.a VERSION_FILES llhttp.h
  ROOT "${OPENAI_PROXY_CACHE}/llhttp/usr"
  VERSION_PATTERN "LLHTTP_VERSION_MAJOR +([0-9]+).*LLHTTP_VERSION_MINOR +([0-9]+).*LLHTTP_VERSION_PATCH +([0-9]+)")
