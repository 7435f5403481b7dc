/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening the guest's file, container by container; the contract is in guest_image.h.
 */
#include "guest_image.h"

#include "bytes.h"
#include "bzimage.h"
#include "elf_refusal.h"

#include <elf.h>

#define NESTING_MAX 2 /* compressed streams inside each other: gzip of a bzImage's xz payload */

/* Where the next stream to open is found, and how much has been opened. */
struct opening {
    struct view data;
    maddr_t at;
    unsigned depth; /* streams opened so far */
    struct range unpacked;
    struct unpack_memory *memory;
    char container[sizeof(((struct guest_image *)0)->container)];
};

static void describe(struct opening *o, const char *text)
{
    size_t used = strlen(o->container);
    string_copy(o->container + used, text, sizeof(o->container) - used);
}

/* Replaces `o`'s bytes by what they unpack to.  `owner` names the container for a refusal. */
static enum refusal_id open_stream(struct opening *o, enum compressor compressor, bool size_known,
                                   uint64_t size, const char *owner, struct refusal *why)
{
    if (o->depth == NESTING_MAX)
        return REFUSE(why, IMAGE_NESTED, .str = {o->container, compressor_name(compressor)},
                      .num = {NESTING_MAX});
    struct view unpacked;
    maddr_t at;
    enum refusal_id id =
        unpack_open(o->data, compressor, size_known, size, o->memory, &unpacked, &at, why);
    if (id != REFUSE_NONE) {
        out_format(why->str[0], sizeof(why->str[0]), "%s %s", compressor_name(compressor), owner);
        return id;
    }
    o->depth++;
    o->data = unpacked;
    o->at = at;
    o->unpacked = (struct range){at.v, at.v + unpacked.size};
    return REFUSE_NONE;
}

/* Opens whole-file compression until something else appears. */
static enum refusal_id open_whole(struct opening *o, const char *owner, struct refusal *why)
{
    for (;;) {
        enum compressor compressor = unpack_detect(o->data);
        if (compressor == COMPRESSOR_NONE)
            return REFUSE_NONE;
        enum refusal_id id = open_stream(o, compressor, false, 0, owner, why);
        if (id != REFUSE_NONE)
            return id;
        describe(o, compressor_name(compressor));
        describe(o, ": ");
    }
}

/* For a refusal: what stands where something known was expected. */
static uint32_t first_word(struct view v)
{
    uint32_t word = 0;
    (void)!view_u32(v, 0, &word);
    return word;
}

static bool is_elf(struct view v)
{
    uint8_t magic[SELFMAG];
    return view_read(v, 0, magic, sizeof(magic)) && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* A Multiboot 1 header with address fields (flags bit 16) in the first 8 KiB: Multiboot 0.6.96
 * §3.1.
 */
static bool has_flat_multiboot1(struct view v)
{
    for (uint64_t at = 0; at + 12 <= 8192; at += 4) {
        uint32_t word[3];
        if (!view_read(v, at, word, sizeof(word)))
            return false;
        if (word[0] == 0x1badb002 && word[0] + word[1] + word[2] == 0)
            return word[1] >> 16 & 1;
    }
    return false;
}

/* A Multiboot 2 header with an address tag (type 2) in the first 32 KiB: Multiboot 2.0 §3.1.3. */
static bool has_flat_multiboot2(struct view v)
{
    for (uint64_t at = 0; at + 16 <= 32768; at += 8) {
        uint32_t word[4];
        if (!view_read(v, at, word, sizeof(word)))
            return false;
        if (word[0] != 0xe85250d6 || word[0] + word[1] + word[2] + word[3] != 0)
            continue;
        struct view header;
        if (!view_slice(v, at, word[2], &header))
            return false;
        for (uint64_t tag = 16; tag + 8 <= header.size;) {
            uint16_t type;
            uint32_t size;
            if (!view_u16(header, tag, &type) || !view_u32(header, tag + 4, &size) || type == 0 ||
                size < 8)
                return false;
            if (type == 2)
                return true;
            tag += ((uint64_t)size + 7) & ~UINT64_C(7);
        }
        return false;
    }
    return false;
}

static enum refusal_id open_elf(struct opening *o, struct guest_image *image, struct refusal *why)
{
    enum elf_status status = elf_view_open(o->data, &image->elf);
    if (status != ELF_OK)
        return elf_refuse(status, &image->elf, why);
    image->has_elf = true;
    image->elf_at = o->at;
    describe(o, image->elf.is_64bit ? "ELF64" : "ELF32");
    return REFUSE_NONE;
}

static enum refusal_id open_payload(struct opening *o, struct guest_image *image,
                                    struct refusal *why)
{
    enum compressor compressor;
    struct view packed;
    uint32_t size;
    char owner[REFUSAL_STR_SIZE];
    enum refusal_id id = bzimage_payload(o->data, &image->bz, &compressor, &packed, &size, why);
    if (id != REFUSE_NONE)
        return id;
    if (compressor == COMPRESSOR_NONE && !is_elf(packed))
        return REFUSE(why, BZIMAGE_PAYLOAD_UNKNOWN,
                      .num = {image->bz.payload_offset, first_word(packed)});
    o->at.v += (uint64_t)(packed.data - o->data.data);
    o->data = packed;
    if (compressor == COMPRESSOR_NONE) {
        describe(o, ": ");
    } else {
        out_format(owner, sizeof(owner), "payload of the bzImage %u.%02u", image->bz.version >> 8,
                   image->bz.version & 0xff);
        id = open_stream(o, compressor, true, size, owner, why);
        if (id == REFUSE_NONE) {
            char *colon = o->container + strlen(o->container);
            out_format(colon, sizeof(o->container) - strlen(o->container),
                       " (%s): ", compressor_name(compressor));
            id = open_whole(o, owner, why);
        }
        if (id != REFUSE_NONE)
            return id;
    }
    if (!is_elf(o->data))
        return REFUSE(why, BZIMAGE_PAYLOAD_NOT_ELF, .str = {o->container},
                      .num = {first_word(o->data)});
    return open_elf(o, image, why);
}

static enum refusal_id open_bzimage(struct opening *o, bool need_elf, struct guest_image *image,
                                    struct refusal *why)
{
    char name[16];
    out_format(name, sizeof(name), "bzImage %u.%02u", image->bz.version >> 8,
               image->bz.version & 0xff);
    describe(o, name);
    if (!need_elf)
        return REFUSE_NONE;
    o->unpacked = (struct range){0, 0};
    enum refusal_id id = open_payload(o, image, why);
    if (id == REFUSE_NONE)
        image->unpacked[1] = o->unpacked;
    return id;
}

/* What is inside, once whole-file compression is off. */
static enum refusal_id open_kernel(struct opening *o, bool need_elf, struct guest_image *image,
                                   struct refusal *why)
{
    enum refusal_id id = REFUSE_NONE;
    if (is_elf(o->data)) {
        id = open_elf(o, image, why);
        if (id == REFUSE_NONE)
            return id;
    } else {
        id = bzimage_parse(o->data, &image->bz, why);
        if (id != REFUSE_NONE)
            return id;
        if (image->bz.present)
            return open_bzimage(o, need_elf, image, why);
    }
    /* The address fields say all that is needed, whatever the rest of the file looks like. */
    if (has_flat_multiboot1(o->data) || has_flat_multiboot2(o->data)) {
        describe(o, "flat Multiboot");
        return REFUSE_NONE;
    }
    if (id == REFUSE_NONE)
        id = REFUSE(why, IMAGE_UNKNOWN, .num = {first_word(o->data), o->data.size},
                    .str = {o->depth ? "unpacked file" : "file"});
    return id;
}

enum refusal_id guest_image_open(struct view file, maddr_t at, bool need_elf,
                                 struct unpack_memory *memory, struct guest_image *ret,
                                 struct refusal *why)
{
    if (!file.size)
        return REFUSE(why, IMAGE_EMPTY, .num = {0});
    struct opening o = {.data = file, .at = at, .memory = memory};
    struct guest_image image = {0};
    uint64_t memory_size = memory->size;
    enum refusal_id id = open_whole(&o, "file", why);
    if (id == REFUSE_NONE) {
        image.file = o.data;
        image.file_at = o.at;
        image.unpacked[0] = o.unpacked;
        id = open_kernel(&o, need_elf, &image, why);
    }
    if (id != REFUSE_NONE) {
        memory->size = memory_size;
        return id;
    }
    string_copy(image.container, o.container, sizeof(image.container));
    *ret = image;
    return REFUSE_NONE;
}
