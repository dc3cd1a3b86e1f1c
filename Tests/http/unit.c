/* Tables for the parts that need neither a host nor a network. Compiled together with the plugin's sources. */
#include <stdlib.h>
#include <string.h>

#include "../../PluginSDK/net/address.h"
#include "../../Plugins/http/encoding.h"
#include "../../Plugins/http/request.h"
#include "../../Plugins/http/retry_after.h"
#include "../../Plugins/http/status_set.h"
#include "../../Plugins/http/text.h"
#include "../../Plugins/http/url.h"
#include "check.h"

int passed, failed;

/* What becomes of a host in a URL: '.' not a URL, 'n' a name, 'a' allowed in both modes, 'd' only by default, '-' in
 * neither. */
static char judge(const char *host) {
    struct address_policy policy = {0};
    const char *error = NULL;
    char text[600];
    struct url url;
    char answer;
    snprintf(text, sizeof text, "http://%s/", host);
    if (!url_parse(&url, text, strlen(text), &error)) return error == NULL ? '?' : '.';
    if (!url.literal) {
        answer = 'n';
    } else {
        policy.mode = ADDRESS_PUBLIC;
        answer = address_allowed(&policy, &url.address, url.port) ? 'a' : '-';
        policy.mode = ADDRESS_DEFAULT;
        if (answer == '-' && address_allowed(&policy, &url.address, url.port)) answer = 'd';
    }
    url_free(&url);
    return answer;
}

static void test_hosts(void) {
    static const struct {
        char expected;
        const char *host;
    } cases[] = {
        {'a', "8.8.8.8"}, {'a', "1.1.1.1"}, {'a', "100.63.255.255"}, {'a', "100.128.0.0"}, {'a', "172.15.255.255"},
        {'a', "172.32.0.0"}, {'a', "169.253.255.255"}, {'a', "169.255.0.0"}, {'a', "192.0.1.0"}, {'a', "198.17.255.255"},
        {'a', "198.20.0.0"}, {'a', "223.255.255.255"}, {'a', "168.63.129.15"}, {'a', "[2606:4700:4700::1111]"},
        {'a', "[2001:200::1]"}, {'a', "[::ffff:8.8.8.8]"}, {'a', "[64:ff9b::8.8.8.8]"}, {'a', "[2002:808:808::1]"},
        {'d', "127.0.0.1"}, {'d', "127.255.255.255"}, {'d', "10.0.0.1"}, {'d', "10.255.255.255"}, {'d', "172.16.0.1"},
        {'d', "172.31.255.255"}, {'d', "192.168.0.1"}, {'d', "100.64.0.1"}, {'d', "100.127.255.255"}, {'d', "[::1]"},
        {'d', "[0:0:0:0:0:0:0:1]"}, {'d', "[fc00::1]"}, {'d', "[fdff:ffff::1]"}, {'d', "[::ffff:127.0.0.1]"},
        {'d', "[::ffff:7f00:1]"}, {'d', "[::FFFF:10.0.0.1]"}, {'d', "[64:ff9b::127.0.0.1]"}, {'d', "[2002:7f00:1::]"},
        {'d', "[2002:0a00:0001::]"}, {'d', "127.0.0.1:8080"}, {'d', "[::1]:8080"},
        {'-', "0.0.0.0"}, {'-', "0.1.2.3"}, {'-', "169.254.169.254"}, {'-', "169.254.0.1"}, {'-', "169.254.170.2"},
        {'-', "168.63.129.16"}, {'-', "100.100.100.200"}, {'-', "192.0.0.1"}, {'-', "192.0.2.1"}, {'-', "192.88.99.1"},
        {'-', "198.18.0.1"}, {'-', "198.19.255.255"}, {'-', "198.51.100.1"}, {'-', "203.0.113.1"}, {'-', "224.0.0.1"},
        {'-', "239.255.255.255"}, {'-', "240.0.0.1"}, {'-', "255.255.255.255"}, {'-', "[::]"}, {'-', "[::2]"},
        {'-', "[::169.254.169.254]"}, {'-', "[::ffff:169.254.169.254]"}, {'-', "[::ffff:a9fe:a9fe]"},
        {'-', "[0:0:0:0:0:ffff:a9fe:a9fe]"}, {'-', "[::ffff:0.0.0.0]"}, {'-', "[64:ff9b::169.254.169.254]"},
        {'-', "[64:ff9b::a9fe:a9fe]"}, {'-', "[64:ff9b:1::1]"}, {'-', "[2002:a9fe:a9fe::]"}, {'-', "[100::1]"},
        {'-', "[2001::1]"}, {'-', "[2001:0:4136:e378::]"}, {'-', "[2001:db8::1]"}, {'-', "[3fff::1]"}, {'-', "[fe80::1]"},
        {'-', "[febf::1]"}, {'-', "[fec0::1]"}, {'-', "[ff02::1]"}, {'-', "[ff0e::1]"}, {'-', "[fd00:ec2::254]"},
        {'-', "[fd20:ce::254]"}, {'-', "[4000::1]"}, {'-', "[::ffff:0:127.0.0.1]"},
        {'.', "2130706433"}, {'.', "0x7f000001"}, {'.', "0X7F000001"}, {'.', "0x7f.1"}, {'.', "0x7f.0x0.0x0.0x1"},
        {'.', "017700000001"}, {'.', "0177.0.0.1"}, {'.', "0177.0.0.01"}, {'.', "127.1"}, {'.', "127.0.1"}, {'.', "0"},
        {'.', "127.0.0.1."}, {'.', "127.0.0.01"}, {'.', "127.00.0.1"}, {'.', "1.2.3.4.5"}, {'.', "256.256.256.256"},
        {'.', "127.0.0.256"}, {'.', "169.254.43518"}, {'.', "0xa9fea9fe"}, {'.', "0x"}, {'.', "foo.0x1"},
        {'.', "foo.123"}, {'.', "999999999999"}, {'.', "127.0.0.1%00.example.com"}, {'.', "%31%32%37.0.0.1"},
        {'.', "ex%61mple.com"}, {'.', "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1"}, {'.', "127\xE3\x80\x82" "0.0.1"},
        {'.', "[::1%25lo]"}, {'.', "[fe80::1%eth0]"}, {'.', "[::1"}, {'.', "::1"}, {'.', "[127.0.0.1]"}, {'.', "[]"},
        {'.', "[v1.x]"}, {'.', "[::1]x"}, {'.', "[::1]:"}, {'.', "a:"}, {'.', "a:0"}, {'.', "a:65536"}, {'.', "a:-1"},
        {'.', "a:8 0"}, {'.', "a:0x50"}, {'.', "user@a"}, {'.', "user:pass@127.0.0.1"}, {'.', "a@b@c"}, {'.', "@a"},
        {'.', ""}, {'.', "."}, {'.', ".a"}, {'.', "a..b"}, {'.', "a\\b"}, {'.', "a\\@127.0.0.1"}, {'.', "a\tb"},
        {'.', "a\rb"}, {'.', "a\nb"}, {'.', " a"}, {'.', "a b"}, {'.', "a\x7f"}, {'.', "a\x01"}, {'.', "a;b"}, {'.', "a,b"},
        {'.', "<a>"}, {'.', "a!b"}, {'.', "a*"},
        {'n', "example.com"}, {'n', "EXAMPLE.com"}, {'n', "example.com."}, {'n', "localhost"}, {'n', "a"},
        {'n', "xn--bcher-kva.example"}, {'n', "1.example"}, {'n', "127.0.0.1.nip.io"}, {'n', "0x7f.example"},
        {'n', "_dmarc.example.com"}, {'n', "a-b.c:443"}, {'n', "dead.beef"}, {'n', "1e5"}, {'n', "0xg"},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got = judge(cases[i].host);
        CHECK(got == cases[i].expected, "\"%s\" is %c, not %c", cases[i].host, got, cases[i].expected);
    }
}

static void test_urls(void) {
    static const struct {
        const char *text, *normal; /* NULL: refused */
    } cases[] = {
        {"http://a", "http://a/"},           {"HTTP://A/b", "http://A/b"},         {"https://a:443/?q#f", "https://a:443/?q"},
        {"http://a#f", "http://a/"},         {"http://a?b", "http://a/?b"},        {"http://a/\xC3\xA9", "http://a/%c3%a9"},
        {"http://a/%41", "http://a/%41"},    {"http://a/b/../c", "http://a/c"},    {"http:///a", NULL},
        {"http:/a", NULL},                   {"http:a", NULL},                     {"//a", NULL},
        {"a", NULL},                         {"http://", NULL},                    {"httpx://a", NULL},
        {"ftp://a", NULL},                   {"file:///etc/passwd", NULL},         {" http://a", NULL},
        {"http://a/ b", NULL},               {"http://a/\r\nHost: b", NULL},       {"http://a/\\b", NULL},
        {"http://a/b@c", "http://a/b@c"},    {"http://a/?u=http://b@c", "http://a/?u=http://b@c"},
        {"http://a?@b", "http://a/?@b"},     {"http://a#@b", "http://a/"},
    };
    size_t i;
    const char *error;
    struct url url, next;
    char *longest = malloc(9000);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool read = url_parse(&url, cases[i].text, strlen(cases[i].text), &error);
        CHECK(read == (cases[i].normal != NULL), "%s", cases[i].text);
        if (read && cases[i].normal != NULL) {
            CHECK(text_equal_nocase(url.text, strlen(url.text), cases[i].normal), "%s -> %s", cases[i].text, url.text);
        }
        if (read) url_free(&url);
    }
    CHECK(!url_parse(&url, "http://a/\0b", 11, &error), "NUL");
    memset(longest, 'a', 9000);
    memcpy(longest, "http://a/", 9);
    CHECK(!url_parse(&url, longest, 9000, &error), "9000 bytes");
    free(longest);
    static const struct {
        const char *location, *normal;
    } hops[] = {
        {"/x", "https://a.b/x"},        {"x", "https://a.b/d/x"},        {"../x", "https://a.b/x"}, {"?y", "https://a.b/d/e?y"},
        {"//c/x", "https://c/x"},       {"http://c/", "http://c/"},      {"#f", "https://a.b/d/e"}, {"/a b", NULL},
        {"//2130706433/", NULL},        {"https://0x7f.1/", NULL},       {"javascript:x", NULL},    {"//u@c/", NULL},
        {"///c", NULL},                 {"data:,x", NULL},               {"", NULL},
    };
    for (i = 0; i < sizeof hops / sizeof *hops; i++) {
        CHECK(url_parse(&url, "https://a.b/d/e", 15, &error), "base");
        bool read = url_follow(&next, &url, hops[i].location, strlen(hops[i].location), &error);
        CHECK(read == (hops[i].normal != NULL), "%s -> %s", hops[i].location, read ? next.text : error);
        if (read && hops[i].normal != NULL) CHECK(strcmp(next.text, hops[i].normal) == 0, "%s -> %s", hops[i].location, next.text);
        if (read) url_free(&next);
        url_free(&url);
    }
}

static void test_ranges(void) {
    static const struct {
        const char *range, *address;
        unsigned port;
        int expected; /* -1: not a range */
    } cases[] = {
        {"169.254.0.0/16", "169.254.1.1", 80, 1}, {"169.254.0.0/16:80", "169.254.1.1", 81, 0},
        {"169.254.0.0/16:80", "169.254.1.1", 80, 1}, {"0.0.0.0/0", "240.0.0.1", 1, 1},
        {"169.254.1.1", "169.254.1.2", 80, 0}, {"fe80::/10", "fe80::1", 80, 1}, {"[fe80::1]:443", "fe80::1", 443, 1},
        {"[fe80::1]:443", "fe80::1", 80, 0}, {"[fe80::/10]:443", "fe80::9", 443, 1}, {"[fe80::1]", "fe80::1", 80, 1},
        {"169.254.1.1", "::ffff:169.254.1.1", 80, 1}, {"::/0", "169.254.1.1", 80, 0},
        {"10.0.0.1/8", "", 0, -1}, {"10.0.0.0/33", "", 0, -1}, {"10.0.0.0/", "", 0, -1}, {"10.0.0.0/8:", "", 0, -1},
        {"10.0.0.0:0", "", 0, -1}, {"10.0.0.0:65536", "", 0, -1}, {"10.0.0", "", 0, -1}, {"", "", 0, -1},
        {"example.com", "", 0, -1}, {"[10.0.0.1]:80", "", 0, -1}, {"::ffff:10.0.0.0/104", "", 0, -1}, {"[::1", "", 0, -1},
        {"[::1]80", "", 0, -1}, {"::1/129", "", 0, -1}, {"10.0.0.0/-8", "", 0, -1}, {"0x0a.0.0.0/8", "", 0, -1},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address_range range;
        struct address_policy policy = {.mode = ADDRESS_PUBLIC, .allow = &range, .allow_count = 1};
        struct address address;
        bool read = address_range_parse(&range, cases[i].range, strlen(cases[i].range));
        CHECK(read == (cases[i].expected >= 0), "%s", cases[i].range);
        if (!read || cases[i].expected < 0) continue;
        CHECK(address_parse(&address, cases[i].address, strlen(cases[i].address)), "%s", cases[i].address);
        CHECK(address_allowed(&policy, &address, (uint16_t)cases[i].port) == cases[i].expected, "%s in %s", cases[i].address,
              cases[i].range);
    }
}

static void test_retry_after(void) {
    const int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *text;
        int64_t expected;
    } cases[] = {
        {"0", 0}, {"1", 1000}, {"120", 120000}, {"3600", 3600000}, {"3601", 3600000}, {"99999999999999999999", 3600000},
        {"", -1}, {"-1", -1}, {"1.5", -1}, {"1s", -1}, {" 1", -1}, {"+1", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0}, {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0}, {"Mon, 07 Nov 1994 08:49:37 GMT", 3600000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 3600000}, {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60000}, {"Sun Nov  6 08:50:37 1994", 60000},
        {"Sun Nov 06 08:50:37 1994", 60000}, {"Wednesday, 09-Nov-94 08:50:37 GMT", 3600000},
        {"Sun, 06 Nov 1994 08:50:37", -1}, {"Sun, 06 Nov 1994 08:50:37 CET", -1}, {"Sun, 6 Nov 1994 08:50:37 GMT", -1},
        {"Sun, 31 Feb 1994 08:50:37 GMT", -1}, {"Sun, 00 Nov 1994 08:50:37 GMT", -1}, {"Sun, 06 Nov 1994 24:50:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1}, {"Sun, 06 Nov 1994 08:50:37 GMT ", -1}, {"sun, 06 nov 1994 08:50:37 gmt", -1},
        {"tomorrow", -1},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = retry_after_ms(cases[i].text, strlen(cases[i].text), now);
        CHECK(got == cases[i].expected, "\"%s\": %lld", cases[i].text, (long long)got);
    }
    CHECK(retry_after_ms("Thu, 29 Feb 2024 12:00:10 GMT", 29, 1709208000) == 10000, "leap day");
}

static void test_status_sets(void) {
    static const char *const bad[] = {"", ",", "200,", ",200", "20", "2000", "99", "600", "204-200", "200-", "-200",
                                      "200 - 204", "abc", "2xy", "6xx", "0xx", "200;201", "200-2xx"};
    struct status_set set;
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!status_set_parse(&set, bad[i], strlen(bad[i])), "%s", bad[i]);
    CHECK(status_set_parse(&set, "200,201, 204-206 ,4xx", 21), "a list");
    CHECK(status_set_has(&set, 200) && status_set_has(&set, 205) && status_set_has(&set, 400) && status_set_has(&set, 499),
          "in it");
    CHECK(!status_set_has(&set, 202) && !status_set_has(&set, 203) && !status_set_has(&set, 207) &&
              !status_set_has(&set, 500) && !status_set_has(&set, 0) && !status_set_has(&set, 999),
          "not in it");
    CHECK(status_set_parse(&set, "100-599", 7) && status_set_has(&set, 100) && status_set_has(&set, 599), "all");
    status_set_default(&set);
    CHECK(status_set_has(&set, 200) && status_set_has(&set, 299) && !status_set_has(&set, 199) && !status_set_has(&set, 300),
          "default");
}

static void test_encodings(void) {
    static const struct {
        bool (*encode)(struct buffer *, const char *, size_t);
        const char *text, *result;
    } cases[] = {
        {encode_percent, "aZ09-._~", "aZ09-._~"}, {encode_percent, "a b/?#[]@!$&'()*+,;=%", "a%20b%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25"},
        {encode_percent, "\xC3\xA9\r\n", "%C3%A9%0D%0A"}, {encode_form, "a b+&=~", "a+b%2B%26%3D~"},
        {encode_base64, "", ""}, {encode_base64, "f", "Zg=="}, {encode_base64, "fo", "Zm8="}, {encode_base64, "foo", "Zm9v"},
        {encode_base64, "foob", "Zm9vYg=="}, {encode_base64, "\xFF\xFE\xFD", "//79"},
        {encode_xml, "<a b='c'>\t&\"", "&lt;a b=&apos;c&apos;&gt;\t&amp;&quot;"},
    };
    struct buffer b;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        buffer_init(&b, 200);
        CHECK(cases[i].encode(&b, cases[i].text, strlen(cases[i].text)), "%s", cases[i].text);
        CHECK(b.length == strlen(cases[i].result) && (b.length == 0 || strcmp(b.data, cases[i].result) == 0), "%s: %s", cases[i].text, b.data);
        buffer_free(&b);
        buffer_init(&b, cases[i].result[0] == '\0' ? 0 : strlen(cases[i].result) - 1);
        CHECK(cases[i].result[0] == '\0' || !cases[i].encode(&b, cases[i].text, strlen(cases[i].text)), "%s fits", cases[i].text);
        buffer_free(&b);
    }
    buffer_init(&b, 10);
    CHECK(!encode_xml(&b, "a\x01", 2), "a control character");
    buffer_free(&b);
}

/* Every text with one byte changed is expanded or refused, never read past its end (the copy has no byte to spare), and the value
 * never gets out of its place. */
static void test_template_bytes(void) {
    static const struct {
        enum template_place place;
        const char *text;
    } samples[] = {{TEMPLATE_TARGET, "http://h/{x}/a?b={x}#c"}, {TEMPLATE_JSON, "{\"a\\\"{x}\":[{x},\"{{x}}\"]}"}, {TEMPLATE_XML, "<a>{x}</a>"},
                   {TEMPLATE_FORM, "a={x}&{x}=b"}, {TEMPLATE_TEXT, "{{x}{x}}"}};
    static const char *const values[] = {"7", "/@..\"'<&=?#\\\r\n{x}", ""};
    spindle_kv parameter = {.key = SPINDLE_STR_INIT("Template_x")};
    spindle_request request = {.struct_size = sizeof request, .parameters = &parameter, .parameter_count = 1};
    struct templates templates = {.source = &request};
    size_t i, j, v, c, expanded = 0;
    for (i = 0; i < sizeof samples / sizeof *samples; i++) {
        size_t length = strlen(samples[i].text);
        for (v = 0; v < 3 * length * 256; v++) {
            char *exact = malloc(length);
            struct request_fault fault;
            struct buffer out;
            parameter.value = spindle_str_from_cstr(values[v % 3]);
            j = v / 3 / 256;
            c = v / 3 % 256;
            memcpy(exact, samples[i].text, length);
            exact[j] = (char)c;
            buffer_init(&out, 4096);
            if (template_expand(&templates, samples[i].place, spindle_str_make(exact, length), parameter.key, &out, &fault)) {
                expanded++;
                /* Scheme and host stay as they were written. */
                if (samples[i].place == TEMPLATE_TARGET && j > 9) CHECK(memcmp(out.data, "http://h/", 9) == 0, "%s", out.data);
            }
            buffer_free(&out);
            free(exact);
        }
    }
    CHECK(expanded > 1000, "only %zu were expanded", expanded);
}

static void test_pointers(void) {
    static const char document[] = "{\"a\":[1,{\"b/c\":{\"~\":2}}],\"\":{\"\":3},\"0\":4}";
    static const struct {
        const char *pointer;
        int value; /* -1 = there is none, -2 = not a pointer */
    } cases[] = {{"/a/0", 1}, {"/a/1/b~1c/~0", 2}, {"//", 3}, {"/0", 4}, {"/a/2", -1}, {"/a/-", -1}, {"/a/01", -1}, {"/a/0/0", -1},
                 {"/b", -1}, {"/a/1/b~1c/~01", -1}, {"a", -2}, {"/~", -2}, {"/~2", -2}};
    json_t *root = json_loads(document, 0, NULL);
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].pointer);
        json_t *found;
        CHECK(json_pointer_valid(cases[i].pointer, length) == (cases[i].value != -2), "%s", cases[i].pointer);
        if (cases[i].value == -2) continue;
        found = json_at(root, cases[i].pointer, length);
        CHECK(cases[i].value < 0 ? found == NULL : json_integer_value(found) == cases[i].value, "%s", cases[i].pointer);
    }
    CHECK(json_at(root, "", 0) == root, "the whole");
    json_decref(root);
}

static void test_text(void) {
    static const char *const names[] = {"Method", "Body", "ContentType"};
    struct buffer b;
    CHECK(strcmp(nearest_name("methd", 5, names, 3), "Method") == 0, "methd");
    CHECK(nearest_name("something", 9, names, 3) == NULL, "something");
    CHECK(nearest_name("", 0, names, 3) == NULL, "empty");
    buffer_init(&b, 10);
    CHECK(buffer_append(&b, "12345678", 8) && !buffer_append(&b, "901", 3) && b.length == 8 && b.failed, "limit");
    buffer_free(&b);
    buffer_init(&b, 100);
    buffer_json_string(&b, "a\"\\\x01\xff\xc3\xa9\x7f", 8, 100);
    CHECK(strcmp(b.data, "\"a\\\"\\\\\\u0001\\ufffd\xc3\xa9\\u007f\"") == 0, "%s", b.data);
    buffer_free(&b);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--schemas") == 0) { /* for page.py */
        printf("{\"config\":%s,\"parameters\":%s}\n", config_schema, parameters_schema);
        return 0;
    }
    test_hosts();
    test_urls();
    test_ranges();
    test_retry_after();
    test_status_sets();
    test_text();
    test_encodings();
    test_pointers();
    test_template_bytes();
    return REPORT();
}
