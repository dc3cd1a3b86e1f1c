/*
 * What is written when the plugin's code receives a fatal signal: raw numbers into the shared page, nothing else. Then
 * the signal does what it would have done, so that the wait status is true.
 */
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "runner.h"

enum { HANDLER_STACK = 64 * 1024, LAST_WORDS_MS = 100 };

static spw_page *page;
static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

void crash_await_last_words(void) {
    /* The others run on. If it is one of them that crashed, or one that holds what they need, the time passes in vain. */
    const struct timespec step = { .tv_nsec = 1000 * 1000 };
    capture_last_words();
    for (int i = 0; i < LAST_WORDS_MS && !(capture_is_told() && output_is_written()); i++) nanosleep(&step, NULL);
}

static void on_crash(int number, siginfo_t *info, void *context) {
    spw_page_crash *crash = &page->crash;
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    uint32_t nobody = 0;
    /* The first thread that dies tells; the others wait for the end with it. */
    if (__atomic_compare_exchange_n(&crash->tid, &nobody, tid, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        crash->code = info->si_code;
        crash->token = spw_session_current_token();
        crash->fault_address = (uint64_t)(uintptr_t)info->si_addr;
#if defined(__x86_64__)
        crash->instruction = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
        crash->instruction = (uint64_t)((ucontext_t *)context)->uc_mcontext.pc;
#else
        (void)context;
#endif
        __atomic_store_n(&crash->signal, (uint32_t)number, __ATOMIC_RELEASE);
        /* Last, because a broken stack may make it crash again: then the default action comes at once. */
        void *frames[SPW_PAGE_FRAMES];
        int count = backtrace(frames, SPW_PAGE_FRAMES);
        for (int i = 0; i < count; i++) crash->frames[i] = (uint64_t)(uintptr_t)frames[i];
        crash->frame_count = (uint32_t)count;
        crash_await_last_words();
    }
    signal(number, SIG_DFL);
    syscall(SYS_tgkill, getpid(), tid, number); /* delivered when the handler returns */
}

void crash_prepare_thread(void) {
    stack_t stack = { .ss_size = HANDLER_STACK, .ss_sp = malloc(HANDLER_STACK) };
    if (stack.ss_sp != NULL) sigaltstack(&stack, NULL); /* for the life of the thread, which is that of the process */
}

void crash_set_load_base(uint64_t base) { page->crash.load_base = base; }

void crash_install(spw_page *shared) {
    void *warm[1];
    struct sigaction action;
    page = shared;
    backtrace(warm, 1); /* its first call loads a library, which a handler must not */
    crash_prepare_thread();
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) sigaction(fatal[i], &action, NULL);
}
