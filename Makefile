# ngx_chat: build, run, test.  `make help` lists what there is.
#
# Nothing is built inside the source tree but build/.  New .c files need no
# change here: each directory below is compiled whole.

ifeq ($(origin CC),default)
CC          = gcc
endif
BUILD      ?= build
CFLAGS     ?= -O2 -g
V          ?= 0

# settings of a private instance: run, start, stop, clean
RUN_DIR       ?= run
PORT          ?= 8080
NGINX_WORKERS ?= 2
export RUN_DIR PORT NGINX_WORKERS

WARNINGS    = -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes
HARDENING   = -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE    = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
              -fno-omit-frame-pointer -U_FORTIFY_SOURCE

ALL_CFLAGS  = -std=gnu11 $(WARNINGS) $(CFLAGS) -fPIC -MMD -MP -Icommon
CC_PLAIN    = $(CC) $(ALL_CFLAGS) $(HARDENING)
# nginx and each module define ngx_modules; clang would take one's for the other's
SANITIZE_MODULE = $(SANITIZE) $(if $(findstring clang,$(CC)),-mllvm \
                  -asan-globals=0)
CC_ASAN     = $(CC) $(ALL_CFLAGS) $(SANITIZE)

# asked for when a worker is compiled: before `make deps` it may not be there
PKGS        = libpq hiredis jansson libjwt libmicrohttpd libcrypto zlib
pkg         = $(shell pkg-config $(1) $(PKGS))

NPROC      := $(shell nproc)
# passed to the sub-makes of run and test unless the caller chose a number
JOBS        = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(NPROC))
PROVE_JOBS ?= $$(( $(NPROC) * 2 ))

COMMON     := $(wildcard common/*.c)
WORKER_LIB := $(wildcard workers/lib/*.c)

# a function library is one file: these are joined, each uses those before it
LUA_PARTS   = $(patsubst %,redis/%.lua,chat base conversation hot fact change \
                user message settings member append mark typing audience read \
                revisions holder \
                idle revoke register)
PRESENCE_PARTS = $(patsubst %,redis/%.lua,presence base \
                presence_user presence_node presence_hold presence_register)

UNIT_TESTS := $(wildcard t/unit/*_test.c)
TESTS      := $(wildcard t/*.t)

# each other directory of workers/ is one program: persist/ -> chat-persist
WORKERS    := $(filter-out lib,$(patsubst workers/%/,%, \
                $(sort $(dir $(wildcard workers/*/*.c)))))
worker_bin  = $(BUILD)/bin/$(if $(filter chat%,$(1)),$(1),chat-$(1))
asan_bin    = $(BUILD)/asan/bin/$(notdir $(call worker_bin,$(1)))

LIBCHAT     = $(BUILD)/libchat.a
LIBCHAT_ASAN = $(BUILD)/asan/libchat.a
LIBWORKER   = $(BUILD)/libworker.a
LIBWORKER_ASAN = $(BUILD)/asan/libworker.a
EMBEDDED    = $(BUILD)/chat_lua.h $(BUILD)/presence_lua.h $(BUILD)/chat_sql.h
UNIT_BINS   = $(UNIT_TESTS:t/unit/%.c=$(BUILD)/unit/%)

ifeq ($(V),0)
say         = @printf '  %-7s %s\n' $(1) '$(2)';
else
say         =
endif


.PHONY: all libchat libworker workers workers-asan module module-asan
.PHONY: deps deps-test deps-check run start stop clean distclean
.PHONY: units unit fuzzers fuzz test property mutations model chaos check
.PHONY: help FORCE
.PHONY: measure-faults measure-idle measure-cost measure-running
.PHONY: measure-storing measure-throughput measure-node-death measure-joins
.PHONY: measure-memory measure-deflate measure-revoke
.PHONY: measure-handshakes measure-many measure-reloads measure-pings
.PHONY: measure-presence measure-contacts measure-hints
.PHONY: bench benches
.PHONY: measure-instructions measure-typing
.DELETE_ON_ERROR:
.SUFFIXES:

all: workers module

help:
	@sed -n 's/^#: //p' Makefile

libchat:   $(LIBCHAT)
libworker: $(LIBWORKER)
workers:   $(foreach w,$(WORKERS),$(call worker_bin,$(w)))

# the same under the sanitizers, which the tests run
workers-asan: $(foreach w,$(WORKERS),$(call asan_bin,$(w)))


#: Building
#:   make                the module, the workers and chatctl, into build/
#:   make module         build/module/ngx_chat_module.so alone
#:   make CC=clang       the same with another compiler
#:   make deps           install the Debian packages that are missing

# A change of compiler or flags rebuilds; a change of the list of files
# configures the module anew.  Both are files rewritten only when they differ.

stamp = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ \
        || printf '%s\n' '$(1)' > $@

$(BUILD)/flags: FORCE
	$(call stamp,$(CC) $(ALL_CFLAGS) $(HARDENING) $(SANITIZE_MODULE))

MODULE_FILES = $(wildcard ngx_chat_module/*.[ch] common/*.[ch])

$(BUILD)/module.files: FORCE
	$(call stamp,$(MODULE_FILES))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_PLAIN) -c -o $@ $<

$(BUILD)/obj/workers/%.o: workers/%.c $(BUILD)/flags | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_PLAIN) -Iworkers/lib -I$(BUILD) \
	    $(call pkg,--cflags) -c -o $@ $<

$(BUILD)/asan/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (asan))$(CC_ASAN) -c -o $@ $<

# an archive is made anew, so that objects of deleted files do not live on
define archive
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)ar rcs $@ $(filter %.o,$^)
endef

$(BUILD)/asan/workers/%.o: workers/%.c $(BUILD)/flags | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC,$< (asan))$(CC_ASAN) -Iworkers/lib -I$(BUILD) \
	    $(call pkg,--cflags) -c -o $@ $<

$(LIBCHAT): $(COMMON:%.c=$(BUILD)/obj/%.o)
	$(archive)

$(LIBCHAT_ASAN): $(COMMON:%.c=$(BUILD)/asan/%.o)
	$(archive)

$(LIBWORKER): $(WORKER_LIB:%.c=$(BUILD)/obj/%.o)
	$(archive)

$(LIBWORKER_ASAN): $(WORKER_LIB:%.c=$(BUILD)/asan/%.o)
	$(archive)

define worker_rule
$(call worker_bin,$(1)): \
    $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard workers/$(1)/*.c)) \
    $(LIBWORKER) $(LIBCHAT)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$(CC) $(CFLAGS) -o $$@ $$^ $$(call pkg,--libs)

$(call asan_bin,$(1)): \
    $(patsubst %.c,$(BUILD)/asan/%.o,$(wildcard workers/$(1)/*.c)) \
    $(LIBWORKER_ASAN) $(LIBCHAT_ASAN)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$(CC) $(CFLAGS) $(SANITIZE) -o $$@ $$^ \
	    $$(call pkg,--libs)
endef

$(foreach w,$(WORKERS),$(eval $(call worker_rule,$(w))))

# what one alone needs
$(call worker_bin,jwks) $(call asan_bin,jwks): PKGS += libcurl

# what measuring needs and should not be slow itself: bench/load -> build/bench/

BENCH       = $(patsubst bench/%/,$(BUILD)/bench/%,$(filter-out bench/lib/, \
                $(sort $(dir $(wildcard bench/*/*.c)))))
BENCH_LIB  := $(wildcard bench/lib/*.c)

$(BUILD)/obj/bench/%.o: bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_PLAIN) -Ibench/lib -Iworkers/lib \
	    $(call pkg,--cflags) -c -o $@ $<

$(BENCH): PKGS += libssl

define bench_rule
$(1): $(patsubst bench/%.c,$(BUILD)/obj/bench/%.o, \
        $(wildcard bench/$(notdir $(1))/*.c) $(BENCH_LIB)) $(LIBWORKER) \
        $(LIBCHAT)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$(CC) $(CFLAGS) -o $$@ $$^ $$(call pkg,--libs)
endef

$(foreach b,$(BENCH),$(eval $(call bench_rule,$(b))))

benches: $(BENCH)

.PHONY: measure-instructions
measure-instructions: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all $(BENCH)
	@bench/instructions $(ARGS)

# what the programs carry inside: the function library and the migrations

$(BUILD)/chat.lua: $(LUA_PARTS)
	@mkdir -p $(@D)
	$(call say,JOIN,$@)for part in $^; do cat $$part; echo; echo; done > $@

$(BUILD)/presence.lua: $(PRESENCE_PARTS)
	@mkdir -p $(@D)
	$(call say,JOIN,$@)for part in $^; do cat $$part; echo; echo; done > $@

$(BUILD)/chat_lua.h $(BUILD)/presence_lua.h: \
$(BUILD)/%_lua.h: $(BUILD)/%.lua tools/embed.sh
	$(call say,EMBED,$<)tools/embed.sh lua $< > $@

$(BUILD)/chat_sql.h: $(sort $(wildcard sql/*.sql)) tools/embed.sh sql
	@mkdir -p $(@D)
	$(call say,EMBED,sql/)tools/embed.sh sql $(filter %.sql,$^) > $@

# The module is built by nginx's own build system, from Debian's nginx-dev.

MODULE      = $(BUILD)/module/ngx_chat_module.so
MODULE_ASAN = $(BUILD)/module-asan/ngx_chat_module.so
NGINX_SRC   = /usr/share/nginx/src

# the files of a module build are named by absolute paths in it
nginx_make  = +@$(MAKE) -s --no-print-directory -C $(NGINX_SRC) \
              -f $(abspath $(1))/Makefile modules

PRELOADS   := $(patsubst t/preload/%.c,$(BUILD)/preload/%.so, \
                $(wildcard t/preload/*.c))

$(BUILD)/preload/%.so: t/preload/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_PLAIN) -shared -o $@ $< -ldl

module: $(BUILD)/module/Makefile
	$(call nginx_make,$(BUILD)/module)

# with it, what else the tests run: the programs, and what they load into nginx
module-asan: $(BUILD)/module-asan/Makefile $(PRELOADS) workers-asan
	$(call nginx_make,$(BUILD)/module-asan)

$(BUILD)/module/Makefile: config $(BUILD)/module.files $(BUILD)/flags \
    tools/configure-module.sh
	$(call say,CONF,$(MODULE))tools/configure-module.sh $(BUILD)/module \
	    '$(CC)' '-std=gnu11 $(CFLAGS) $(HARDENING) -fPIC' ''

$(BUILD)/module-asan/Makefile: config $(BUILD)/module.files $(BUILD)/flags \
    tools/configure-module.sh
	$(call say,CONF,$(MODULE_ASAN))tools/configure-module.sh \
	    $(BUILD)/module-asan '$(CC)' \
	    '-std=gnu11 $(CFLAGS) $(SANITIZE_MODULE) -fPIC' '$(SANITIZE)'

deps:
	@tools/deps.sh build

deps-test:
	@tools/deps.sh build test

deps-check:
	@tools/deps.sh build test check


#: Running a private instance (settings: RUN_DIR, PORT, NGINX_WORKERS)
#:   make run            in the foreground; Ctrl-C ends it
#:   make start, stop    the same in the background
#:   make clean          stop it and forget its data

run: deps
	@$(MAKE) --no-print-directory -s $(JOBS) all
	@tools/run.sh run

start: deps
	@$(MAKE) --no-print-directory -s $(JOBS) all
	@tools/run.sh start

stop:
	@tools/run.sh stop

# build/ stays: other instances may live beside the one that is forgotten
clean:
	@tools/run.sh clean

distclean: clean
	rm -rf $(BUILD)


#: Testing
#:   make test           all tests, what they need included; CHAT_TEST_CHOP=1:
#:                       nginx reads a byte at a time
#:   make unit           those of common/ alone
#:   make fuzz           the fuzzers, longer: TIME=seconds of each (60)
#:                       FUZZER=name (all); t/fuzz/
#:   make property       random operations against the model of the rules, a
#:                       longer run: SEED=n OPERATIONS=n (100,000)
#:   make mutations      that it notices when a rule is broken
#:   make model          all states of small models of the rules of the log, and
#:                       of a node's room; some ten minutes
#:   make chaos          everything is killed and cut while clients work, for
#:                       longer: SEED=n MINUTES=n (5); other options: ARGS
#:   make conformance    frames and clients, and frames by chance judged by
#:                       another implementation; AUTOBAHN=directory: and the
#:                       test suite of Autobahn, whose source that holds
#:   make check          compilers, linters, documentation

$(BUILD)/unit/%: t/unit/%.c $(LIBCHAT_ASAN) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_ASAN) -Iworkers/lib -o $@ $< $(LIBCHAT_ASAN) \
	    -lcmocka -lcrypto -lz

# cmocka speaks TAP when asked to, so one runner sums up everything

export CMOCKA_MESSAGE_OUTPUT = TAP

units: $(UNIT_BINS)

unit: $(UNIT_BINS)
	@prove -j $(PROVE_JOBS) $(UNIT_BINS)

# The fuzzers are libFuzzer's, so they are compiled by clang, whatever CC is.

FUZZERS    := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c)) node
FUZZ_CC    ?= clang
FUZZ_FLAGS  = -std=gnu11 $(WARNINGS) -O1 -g $(SANITIZE) -fPIC -MMD -MP -Icommon
CC_FUZZ     = $(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link
LIBCHAT_FUZZ = $(BUILD)/fuzz/libchat.a
LIBPERSIST_FUZZ = $(BUILD)/fuzz/libpersist.a

$(BUILD)/fuzz/flags: FORCE
	$(call stamp,$(CC_FUZZ))

$(BUILD)/fuzz/obj/%.o: %.c $(BUILD)/fuzz/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (fuzz))$(CC_FUZZ) -c -o $@ $<

$(LIBCHAT_FUZZ): $(COMMON:%.c=$(BUILD)/fuzz/obj/%.o)
	$(archive)

$(BUILD)/fuzz/obj/workers/%.o: workers/%.c $(BUILD)/fuzz/flags | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC,$< (fuzz))$(CC_FUZZ) -Iworkers/lib -I$(BUILD) \
	    $(call pkg,--cflags) -c -o $@ $<

$(LIBPERSIST_FUZZ): $(patsubst %.c,$(BUILD)/fuzz/obj/%.o, $(WORKER_LIB) \
    $(filter-out %/main.c,$(wildcard workers/persist/*.c)))
	$(archive)

$(BUILD)/fuzz/%: t/fuzz/%.c $(LIBPERSIST_FUZZ) $(LIBCHAT_FUZZ) \
    $(BUILD)/fuzz/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer \
	    -Iworkers/lib $(call pkg,--cflags) -o $@ $< $(LIBPERSIST_FUZZ) \
	    $(LIBCHAT_FUZZ) $(call pkg,--libs)

# a node is a module of nginx; libFuzzer is a part of it, and what it shares
# with the address sanitizer it must take from itself

NODE_OBJECTS = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(wildcard t/fuzz/node/*.c) \
    $(filter-out %/ngx_chat_redis.c %/ngx_chat_redis_event.c, \
    $(wildcard ngx_chat_module/*.c)))
NODE_FLAGS  = -Wno-unused-parameter -Wno-missing-prototypes \
    $(patsubst %,-isystem $(NGINX_SRC)/%,src/core \
    src/event src/event/modules src/os/unix src/http src/http/modules \
    src/http/v2) -isystem $(BUILD)/module -isystem $(NGINX_SRC)
clang_lib   = $(shell $(FUZZ_CC) \
    -print-file-name=libclang_rt.$(1)-$(shell uname -m).$(2))

$(BUILD)/fuzz/obj/ngx_chat_module/%.o: ngx_chat_module/%.c $(BUILD)/fuzz/flags \
    $(BUILD)/module/Makefile
	@mkdir -p $(@D)
	$(call say,CC,$< (fuzz))$(CC_FUZZ) $(NODE_FLAGS) -c -o $@ $<

$(BUILD)/fuzz/obj/t/fuzz/node/%.o: t/fuzz/node/%.c $(BUILD)/fuzz/flags \
    $(BUILD)/module/Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC_FUZZ) $(NODE_FLAGS) -c -o $@ $<

$(BUILD)/fuzz/node: t/fuzz/node/node.sh $(NODE_OBJECTS) $(LIBCHAT_FUZZ)
	$(call say,LD,$@.so)$(FUZZ_CC) $(SANITIZE) -shared -shared-libasan \
	    -Wl,-Bsymbolic -o $@.so $(NODE_OBJECTS) $(LIBCHAT_FUZZ) \
	    $(call clang_lib,fuzzer_no_main,a) -lstdc++ $(call pkg,--libs)
	@echo 'asan: $(call clang_lib,asan,so)' > $@.so.env
	@cp $< $@

fuzzers: $(FUZZERS:%=$(BUILD)/fuzz/%)

fuzz: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) fuzzers
	@BUILD=$(BUILD) t/fuzz/fuzz $(or $(TIME),60) $(or $(FUZZER),$(FUZZERS))

test: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all module-asan units fuzzers benches
	@prove -j $(PROVE_JOBS) $(UNIT_BINS) $(TESTS)

property mutations: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all
	@t/property/$@

model: deps-test
	@t/model/walk

chaos: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all module-asan
	@t/chaos/chaos $(if $(SEED),--seed $(SEED)) \
	    --minutes $(or $(MINUTES),5) $(ARGS)

conformance: deps-test
	@tools/deps.sh conformance
	@$(MAKE) --no-print-directory -s $(JOBS) all module-asan
	@prove t/271-frames.t t/272-chopped.t t/273-clients.t
	@t/conformance/run $(AUTOBAHN) $(ARGS)

check: deps-check
	@tools/check.sh


#: Measuring (docs/measurements.md; options for the program: ARGS)
#:   make bench          what handshakes, connections and deliveries cost, beside
#:                       the least that there could be: docs/performance.md
#:   make measure-floods what others feel of somebody who floods
#:   make measure-readers    what clients that do not read cost, and others feel
#:   make measure-broadcast  what others feel of messages to 8,000 members
#:   make measure-faults 10,000 messages while everything is killed
#:   make measure-idle   the memory of 15,000 idle connections; ARGS=--tls
#:   make measure-many   50,000 connections, for ten minutes
#:   make measure-memory Redis with 1,000,000 conversations, few of them in use
#:   make measure-cost   a message in Redis: the function, and its commands
#:   make measure-instructions   of nginx for a message (valgrind)
#:   make measure-running    the same in the running system
#:   make measure-storing    chat-persist, and nothing but its INSERT
#:   make measure-throughput messages a second, and what limits them
#:   make measure-node-death 10,000 clients of a node that is killed
#:   make measure-joins  conversations resumed one by one and together
#:   make measure-handshakes what a token costs, by its algorithm
#:   make measure-pings  what idle sessions cost a worker
#:   make measure-deflate    what compression saves and costs
#:   make measure-typing what 10,000 who type cost, and messages feel
#:   make measure-revoke from chatctl revoke to the last of 1,000 sockets closed
#:   make measure-presence   10,000 users who come and go, with and without
#:   make measure-contacts   10,000 who come and ask who of theirs is there
#:   make measure-hints  what it costs Redis to tell users of conversations
#:   make measure-reloads    100 reloads, and another nginx, under 1,000 clients

measure-floods measure-readers measure-broadcast measure-faults measure-idle measure-cost \
measure-running measure-storing \
measure-throughput measure-node-death measure-joins measure-memory \
measure-deflate measure-revoke measure-handshakes measure-many \
measure-reloads measure-pings measure-presence measure-contacts measure-hints \
measure-typing: \
measure-%: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all $(BENCH)
	@bench/$* $(ARGS)

bench: deps-test
	@$(MAKE) --no-print-directory -s $(JOBS) all $(BENCH)
	@bench/bench $(ARGS)

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -name '*.d')
