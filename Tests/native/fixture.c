/* Functions that do what tests need: good ones, and some that misbehave. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int some_data = 7;

struct point { double x, y; };
double area(double width, double height) { return width < 0 || height < 0 ? -1 : width * height; }
double distance(struct point a, struct point b) { return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y); }
struct mixed { int64_t x; float y; };
/* The struct takes the last register for integers, and one for reals. */
double last_register(int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, float real, struct mixed mixed) {
    return a + b + c + d + e == 15 ? (double)real + mixed.x + mixed.y : -1;
}
int64_t sum(const int32_t *numbers, size_t count) {
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) total += numbers[i];
    return total;
}

int fails_with(int number) {
    errno = number;
    return -1;
}
const void *nothing(void) { return NULL; }
double not_a_number(void) { return __builtin_nan(""); }
uint64_t largest(void) { return UINT64_MAX; }

size_t fill(uint8_t *out, size_t room) {
    size_t length = room < 5 ? room : 5;
    memcpy(out, "hello", length);
    return 5;
}
int strange_length(uint8_t *out, int64_t *length, int64_t said) {
    out[0] = 'x';
    *length = said;
    return 0;
}
void every_byte(uint8_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(i * 7);
}
void overrun(uint8_t *out) { memset(out, 1, 33); }

const char *garbage(void) { return "caf\xe9"; }
static char endless_text[8192];
const char *without_end(void) { return memset(endless_text, 'x', sizeof endless_text); }

static int live;
char *made_text(const char *text) {
    live++;
    return strdup(text);
}
void made_into(const char *text, char **out) { *out = made_text(text); }
void give_back(void *text) {
    live--;
    free(text);
}
int not_given_back(void) { return live; }

struct counter { int value; };
struct counter *counter_new(int start) {
    struct counter *counter = malloc(sizeof *counter);
    counter->value = start;
    live++;
    return counter;
}
int counter_add(struct counter *counter, int more) { return counter->value += more; }
void counter_free(struct counter *counter) {
    live--;
    free(counter);
}

int work(int64_t steps, int (*report)(int64_t, int64_t, const char *)) {
    for (int64_t i = 1; i <= steps; i++) {
        if (report(i, steps, "working") != 0) return -1;
    }
    return 0;
}
/* As slow as a real one, for tests that cancel from outside. */
int slow_work(int (*report)(int64_t, int64_t)) {
    struct timespec pause = { 0, 10000000 };
    for (int64_t i = 0;; i++) {
        if (report(i, -1) == 0) return -1;
        nanosleep(&pause, NULL);
    }
}
static void *call_back(void *function) {
    ((void (*)(int))function)(42);
    return NULL;
}
void on_a_thread(void (*function)(int)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, call_back, (void *)function) == 0) pthread_join(thread, NULL);
}
void tell(void (*say)(const char *, double, bool)) { say("all is", 2.5, true); }
int errno_after_callback(void (*say)(int)) {
    errno = 5;
    say(1);
    return errno;
}
void many(int times, void (*say)(int)) {
    for (int i = 0; i < times; i++) say(i);
}

void quit(int status) { exit(status); }
void crash(void) { *(volatile int *)1 = 0; }
void endless(void) {
    for (;;) pause();
}
