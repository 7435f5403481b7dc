/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage's command line: one table of words, each with the function that reads its value.  What
 * is not understood becomes a complaint and leaves the default in place; nothing stops here.
 */
#include "options.h"

#include "bytes.h"
#include "number.h"

/* One word of the line, or one part of a comma list: not NUL-terminated. */
struct piece {
    const char *text;
    size_t size;
};

static bool is(struct piece piece, const char *word)
{
    return strlen(word) == piece.size && memcmp(piece.text, word, piece.size) == 0;
}

static bool starts(struct piece piece, const char *word)
{
    return strlen(word) <= piece.size && memcmp(piece.text, word, strlen(word)) == 0;
}

/* Cuts the next part off a comma list; false at its end. */
static bool next_part(struct piece *list, bool *done, struct piece *ret)
{
    if (*done)
        return false;
    size_t size = 0;
    while (size < list->size && list->text[size] != ',')
        size++;
    *ret = (struct piece){list->text, size};
    *done = size == list->size;
    if (!*done) {
        list->text += size + 1;
        list->size -= size + 1;
    }
    return true;
}

static bool choice(struct piece value, const char *const *words, unsigned count, unsigned *ret)
{
    for (unsigned i = 0; i < count; i++) {
        if (is(value, words[i])) {
            *ret = i;
            return true;
        }
    }
    return false;
}

#define CHOICE(value, words, field)                                                                \
    do {                                                                                           \
        unsigned index;                                                                            \
        if (!choice((value), (words), sizeof(words) / sizeof((words)[0]), &index))                 \
            return false;                                                                          \
        (field) = index;                                                                           \
        return true;                                                                               \
    } while (0)

static bool read_number(struct piece value, uint64_t max, uint64_t *ret)
{
    uint64_t number;
    if (!number_parse(value.text, value.size, false, &number) || number > max)
        return false;
    *ret = number;
    return true;
}

static const char *const mode_words[] = {"auto", "native", "pvh", "pv"};

static bool read_mode(struct piece value, struct options *ret)
{
    static const char *const protocols[] = {"",      "multiboot1", "multiboot2",
                                            "linux", "elf",        "linux16"};
    struct piece part;
    bool done = false;
    unsigned mode, protocol = 0;
    if (!next_part(&value, &done, &part) || !choice(part, mode_words, 4, &mode))
        return false;
    if (next_part(&value, &done, &part) &&
        (mode != MODE_NATIVE || !choice(part, protocols, 6, &protocol) || !protocol || !done))
        return false;
    ret->mode = (enum mode)mode;
    ret->native = (enum native_protocol)protocol;
    return true;
}

static bool read_role(struct piece value, struct options *ret)
{
    static const char *const words[] = {"dom0", "domu"};
    CHOICE(value, words, ret->role);
}

static bool read_log(struct piece value, struct options *ret)
{
    static const char *const words[] = {"quiet", "info", "debug"};
    CHOICE(value, words, ret->log);
}

static bool read_on_refusal(struct piece value, struct options *ret)
{
    static const char *const words[] = {"halt", "reboot", "poweroff"};
    CHOICE(value, words, ret->on_refusal);
}

static bool read_paddr(struct piece value, struct options *ret)
{
    static const char *const words[] = {"", "physical", "virtual"};
    unsigned index;
    if (!choice(value, words, 3, &index) || !index)
        return false;
    ret->paddr = (enum paddr_override)index;
    return true;
}

static bool add_uart(struct options *ret, uint16_t port)
{
    for (uint32_t i = 0; i < ret->uart_count; i++)
        if (ret->uart[i] == port)
            return true;
    if (ret->uart_count == OPTIONS_UART_MAX)
        return false;
    ret->uart[ret->uart_count++] = port;
    return true;
}

/* A list replaces the default as a whole; a list with an unknown part changes nothing. */
static bool read_console(struct piece value, struct options *ret)
{
    static const uint16_t com_port[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8}; /* PC/AT */
    struct options listed = *ret;
    struct piece part;
    bool done = false;
    listed.uart_count = 0;
    listed.vga = listed.debugcon = false;
    while (next_part(&value, &done, &part)) {
        uint64_t port;
        if (is(part, "vga"))
            listed.vga = true;
        else if (is(part, "debugcon"))
            listed.debugcon = true;
        else if (is(part, "none"))
            continue;
        else if (part.size == 4 && starts(part, "com") && part.text[3] >= '1' &&
                 part.text[3] <= '4') {
            if (!add_uart(&listed, com_port[part.text[3] - '1']))
                return false;
        } else if (!starts(part, "0x") || !read_number(part, 0xfff8, &port) || !port ||
                   !add_uart(&listed, (uint16_t)port))
            return false;
    }
    *ret = listed;
    return true;
}

static bool read_baud(struct piece value, struct options *ret)
{
    uint64_t baud;
    /* The 8250's divisor is 115200 / baud in 16 bits. */
    if (!read_number(value, 115200, &baud) || baud < 2 || 115200 % (uint32_t)baud)
        return false;
    ret->baud = (uint32_t)baud;
    return true;
}

static bool read_mem(struct piece value, struct options *ret)
{
    uint64_t size;
    if (!number_parse(value.text, value.size, true, &size) || !size)
        return false;
    ret->memory_limit = size;
    return true;
}

static bool read_virt_base(struct piece value, struct options *ret)
{
    return ret->has_virt_base = read_number(value, UINT64_MAX, &ret->virt_base);
}

static bool read_paddr_offset(struct piece value, struct options *ret)
{
    return ret->has_paddr_offset = read_number(value, UINT64_MAX, &ret->paddr_offset);
}

static bool read_debug_exit(struct piece value, struct options *ret)
{
    uint64_t port;
    if (is(value, "none"))
        port = 0;
    else if (!read_number(value, 0xffff, &port) || !port)
        return false;
    ret->debug_exit = (uint16_t)port;
    return true;
}

static bool read_vcpus(struct piece value, struct options *ret)
{
    uint64_t count;
    if (!read_number(value, 4096, &count) || !count)
        return false;
    ret->vcpus = (uint32_t)count;
    return true;
}

static bool read_trace(struct piece value, struct options *ret)
{
    if (!value.size || value.size >= sizeof(ret->trace))
        return false;
    memcpy(ret->trace, value.text, value.size);
    ret->trace[value.size] = 0;
    return true;
}

static bool read_plan(struct piece value, struct options *ret)
{
    (void)value;
    return ret->plan_only = true;
}

static const struct {
    const char *word;
    bool (*read)(struct piece value, struct options *ret);
} words[] = {
    {"mode=", read_mode},
    {"role=", read_role},
    {"console=", read_console},
    {"baud=", read_baud},
    {"log=", read_log},
    {"mem=", read_mem},
    {"virt-base=", read_virt_base},
    {"paddr-offset=", read_paddr_offset},
    {"paddr=", read_paddr},
    {"on-refusal=", read_on_refusal},
    {"debug-exit=", read_debug_exit},
    {"plan", read_plan},
    {"vcpus=", read_vcpus},
    {"trace=", read_trace},
};

/* A word that ends in '=' takes a value, any other must stand alone. */
static bool matches(struct piece piece, const char *word)
{
    return word[strlen(word) - 1] == '=' ? starts(piece, word) : is(piece, word);
}

static bool read_word(struct piece piece, struct options *ret)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (matches(piece, words[i].word)) {
            size_t skip = strlen(words[i].word);
            return words[i].read((struct piece){piece.text + skip, piece.size - skip}, ret);
        }
    }
    return false;
}

static void complain(struct options *ret, struct piece piece)
{
    if (ret->complaint_count < OPTIONS_COMPLAINT_MAX) {
        char *text = ret->complaint[ret->complaint_count];
        size_t kept = sizeof(ret->complaint[0]) - 1;
        if (piece.size < kept)
            kept = piece.size;
        for (size_t i = 0; i < kept; i++)
            text[i] = piece.text[i] < ' ' || piece.text[i] > '~' ? '?' : piece.text[i];
        text[kept] = 0;
    }
    ret->complaint_count++;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void options_parse(const char *line, struct options *ret)
{
    *ret = (struct options){
        .uart = {0x3f8}, .uart_count = 1, .vga = true, .baud = 115200, .log = LOG_INFO};
    for (bool first = true;; first = false) {
        while (is_blank(*line))
            line++;
        if (!*line)
            return;
        struct piece piece = {line, 0};
        while (*line && !is_blank(*line)) {
            line++;
            piece.size++;
        }
        if (read_word(piece, ret))
            continue;
        /* Multiboot loaders put the stage's own file name in front (Multiboot 1, 3.3, cmdline). */
        if (!first || memchr(piece.text, '=', piece.size))
            complain(ret, piece);
    }
}

const char *mode_name(enum mode mode)
{
    return mode_words[mode];
}
