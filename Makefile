# What people call. `make` sets the machine up, builds and leaves build/openai-proxy; `make help`.
# Variables: BUILD (build folder), CMAKE_ARGS, SETUP=no (install nothing), JOBS, PREFIX, DESTDIR.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
BUILD ?= build
JOBS ?= $(shell nproc)
CMAKE_ARGS ?=
SETUP ?= yes
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
CONFIG ?= conf/openai-proxy.yaml
CTEST_ARGS ?=
export OPENAI_PROXY_CACHE

# Recipes for one build folder: $(call configure,FOLDER,ARGS), $(call build,FOLDER,TARGETS).
# Clang compiles the checks of addresses in half the time GCC takes, and has the fuzzer; its thread
# sanitizer does not link where operator new is replaced.
address_sanitizer = -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DOPENAI_PROXY_SANITIZE=address
setup = $(if $(filter no,$(SETUP)),true,third_party/setup.sh $(1))
define configure
	@if [ ! -f $(1)/build.ninja ] || [ "$$(cat $(1)/cmake-args 2>/dev/null)" != "$(2) $(CMAKE_ARGS)" ]; then \
	  cmake -S . -B $(1) -G Ninja $(if $(OPENAI_PROXY_CACHE),-DOPENAI_PROXY_CACHE=$(OPENAI_PROXY_CACHE)) \
	    $(2) $(CMAKE_ARGS) && echo "$(2) $(CMAKE_ARGS)" > $(1)/cmake-args; fi
endef
build = @ninja -C $(1) -j $(JOBS) --quiet $(2)
test = @cd $(1) && ctest --output-on-failure -j $(JOBS) $(2) $(CTEST_ARGS)

.PHONY: all help setup run test test-clients test-hostile test-memory test-tls test-faults \
  test-restarts test-sim soak check check-format check-rooms check-prices check-tidy \
  check-tidy-change format format-check asan tsan fuzz fresh demo bench bench-compare bench-guard \
  install uninstall clean distclean

all: setup  ## build build/openai-proxy (default)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy)

help:  ## this list
	@sed -n -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

setup:  ## install the packages that are missing (says which) and fetch third_party/.cache
	@$(call setup,build)

run: all  ## build, then start the proxy with CONFIG (conf/openai-proxy.yaml)
	@$(BUILD)/openai-proxy --config $(CONFIG)

test: setup  ## build and run every test
	@$(call setup,test)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),all)
	$(call test,$(BUILD))

test-clients: all  ## real SDKs, a real browser and nginx through the proxy; the load tool's pages
	$(call build,$(BUILD),openai-proxy-bench)
	@OPENAI_PROXY_BINARY=$(abspath $(BUILD))/openai-proxy \
	  OPENAI_PROXY_BENCH_BINARY=$(abspath $(BUILD))/openai-proxy-bench tests/clients/run.sh

test-hostile: all  ## slow clients, and name servers that are silent, slow or wrong
	@$(call setup,hostile)
	@tests/hostile/slow.sh $(BUILD)/openai-proxy
	@tests/hostile/names.py $(BUILD)/openai-proxy

MEMORY_STREAMS ?= 10000
test-memory: setup  ## memory_limit with MEMORY_STREAMS (10000) open streams on one worker (4 minutes)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	@tests/hostile/memory.sh $(BUILD)/openai-proxy $(BUILD)/openai-proxy-bench $(MEMORY_STREAMS)

test-tls: all  ## testssl.sh against a TLS listener with default settings
	@$(call setup,tls)
	@tests/hostile/testssl.sh $(BUILD)/openai-proxy

# What follows starts processes of its own on loopback, and ends them.
FAULTS_ARGS ?=
test-faults: setup  ## 100,000 requests while the upstream fails, beside nginx and HAProxy (5 minutes)
	@$(call setup,faults)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy)
	@tests/faults/run.py --binary $(BUILD)/openai-proxy $(FAULTS_ARGS)

RESTARTS_ARGS ?=
test-restarts: setup  ## reloads and restarts under load: nobody refused, nothing lost (5 minutes)
	@$(call setup,faults)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	@tests/faults/restarts.py --binary $(BUILD)/openai-proxy \
	  --bench-binary $(BUILD)/openai-proxy-bench $(RESTARTS_ARGS)

SIM_SCHEDULES ?= 100000
test-sim: setup  ## SIM_SCHEDULES (100000) seeded schedules of the whole proxy in memory
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),sim_tests)
	@OPENAI_PROXY_SIM_SCHEDULES=$(SIM_SCHEDULES) $(BUILD)/tests/sim_tests

SOAK_SECONDS ?= 1800
SOAK_ARGS ?=
soak: setup  ## SOAK_SECONDS (1800) of mixed load on build, then as long on build-asan
	@$(call setup,faults sanitize)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	$(call configure,$(BUILD)-asan,$(address_sanitizer))
	$(call build,$(BUILD)-asan,openai-proxy)
	@for folder in $(BUILD) $(BUILD)-asan; do \
	  tests/faults/soak.py --binary $$folder/openai-proxy \
	    --bench-binary $(BUILD)/openai-proxy-bench --seconds $(SOAK_SECONDS) $(SOAK_ARGS) || exit 1; \
	done

check: check-format check-rooms check-prices check-tidy  ## format, rooms, prices and clang-tidy

format:  ## format all C++ in place
	@$(call setup,check)
	@git ls-files -co --exclude-standard '*.cc' '*.h' ':!third_party' | xargs -r clang-format -i

check-format:
	@$(call setup,check)
	@git ls-files -co --exclude-standard '*.cc' '*.h' ':!third_party' | \
	  xargs -r clang-format --dry-run -Werror

format-check: check-format  ## complain about what `make format` would change

check-rooms:
	@$(call setup,check)
	@tests/check_rooms.py

check-prices:
	@src/openai/prices.py --check

check-tidy: setup
	@$(call setup,check)
	$(call configure,$(BUILD),)
	@tests/check_tidy.py $(BUILD) -j $(JOBS)

check-tidy-change: setup  ## clang-tidy on what this branch changed, 40 files at most
	@$(call setup,check)
	$(call configure,$(BUILD),)
	@tests/check_tidy.py $(BUILD) -j $(JOBS) --change

asan: setup  ## build-asan: address and undefined behaviour sanitizers, all tests
	@$(call setup,sanitize)
	$(call configure,$(BUILD)-asan,$(address_sanitizer))
	$(call build,$(BUILD)-asan,all)
	$(call test,$(BUILD)-asan)

# The simulated world has one thread: there a few schedules do.
tsan: export OPENAI_PROXY_SIM_SCHEDULES = 500
tsan: setup  ## build-tsan: thread sanitizer, all tests
	$(call configure,$(BUILD)-tsan,-DOPENAI_PROXY_SANITIZE=thread)
	$(call build,$(BUILD)-tsan,all)
	$(call test,$(BUILD)-tsan)

FUZZ_SECONDS ?= 60
fuzz: setup  ## build-fuzz: run each fuzz target for FUZZ_SECONDS (60), from its corpus
	@$(call setup,sanitize)
	$(call configure,$(BUILD)-fuzz,-DOPENAI_PROXY_FUZZ=ON $(address_sanitizer))
	$(call build,$(BUILD)-fuzz,all)
	@tests/fuzz/run.sh $(BUILD)-fuzz $(FUZZ_SECONDS)

fresh:  ## prove the two README commands in fresh Debian 12 and 13 roots (needs root, slow)
	@$(call setup,fresh)
	@tests/fresh/run.sh

demo: setup  ## a chat reply streaming through the proxy, without a key, on this machine alone
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	@bench/demo.sh $(BUILD)/openai-proxy $(BUILD)/openai-proxy-bench

bench: setup  ## what the proxy costs on this machine, in a minute
	@$(call setup,bench)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	@bench/quick.py --binary $(BUILD)/openai-proxy --bench-binary $(BUILD)/openai-proxy-bench

BENCH_ARGS ?=
bench-compare: setup  ## openai-proxy beside its rivals, measured (BENCH_ARGS=--quick: 5 minutes)
	@$(call setup,compare)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy openai-proxy-bench)
	@bench/compare.py --binary $(BUILD)/openai-proxy --bench-binary $(BUILD)/openai-proxy-bench \
	  --output $(BUILD)/bench-compare $(BENCH_ARGS)

# Allocations are counted by what is preloaded into the program.
bench-guard: setup  ## system calls, allocations and instructions per request stay in their bounds
	@$(call setup,guard)
	$(call configure,$(BUILD),)
	$(call build,$(BUILD),openai-proxy-dynamic openai-proxy-bench)
	@bench/guard --binary $(BUILD)/openai-proxy-dynamic --bench-binary $(BUILD)/openai-proxy-bench

# Only builds when nothing is built yet, so that `sudo make install` compiles nothing as root.
$(BUILD)/openai-proxy:
	@$(MAKE) all

install: $(BUILD)/openai-proxy  ## into DESTDIR, PREFIX (/usr/local) and DESTDIR/etc/openai-proxy
	install -D -m 755 $(BUILD)/openai-proxy $(DESTDIR)$(PREFIX)/bin/openai-proxy
	if [ ! -e $(DESTDIR)$(SYSCONFDIR)/openai-proxy/openai-proxy.yaml ]; then \
	  install -D -m 644 conf/openai-proxy.yaml $(DESTDIR)$(SYSCONFDIR)/openai-proxy/openai-proxy.yaml; fi
	install -D -m 755 conf/certbot-deploy-hook $(DESTDIR)$(PREFIX)/share/openai-proxy/certbot-deploy-hook
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed -e 's|/usr/local/bin|$(PREFIX)/bin|g' -e 's|/etc/openai-proxy|$(SYSCONFDIR)/openai-proxy|g' \
	  conf/openai-proxy.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/openai-proxy.service

uninstall:  ## take away what install put there; the configuration stays
	rm -f $(DESTDIR)$(PREFIX)/bin/openai-proxy
	rm -f $(DESTDIR)$(PREFIX)/share/openai-proxy/certbot-deploy-hook
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/openai-proxy.service

clean:  ## remove the build folders
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz

distclean: clean  ## and everything fetched
	rm -rf third_party/.cache
