/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The setup header; see bzimage.h.  Source: Linux Documentation/x86/boot.rst, "The Real-Mode Kernel
 * Header" for offsets and for the version that brought each field.
 */
#include "bzimage.h"

#define BOOT_FLAG    0x1fe
#define HEADER_MAGIC 0x202
#define MAGIC_HDRS   0x53726448u
#define HEADER_END   0x268 /* behind handover_offset, the last field read by anyone here */
#define LOADED_HIGH  0x100000u
#define SECTOR       512u

#define INITRD_MAX_OLD  0x37ffffffu /* before 2.03 */
#define CMDLINE_MAX_OLD 255u        /* before 2.06 */

static uint32_t read32(struct view file, uint64_t offset)
{
    uint32_t value = 0;
    (void)!view_u32(file, offset, &value);
    return value;
}

static uint16_t read16(struct view file, uint64_t offset)
{
    uint16_t value = 0;
    (void)!view_u16(file, offset, &value);
    return value;
}

static uint8_t read8(struct view file, uint64_t offset)
{
    uint8_t value = 0;
    (void)!view_u8(file, offset, &value);
    return value;
}

/* The fields themselves; all of the header is known to be inside the file. */
static void read_fields(struct view file, struct bzimage *bz)
{
    bz->loadflags = read8(file, 0x211);
    bz->code32_start = read32(file, 0x214);
    bz->initrd_addr_max = bz->version >= 0x0203 ? read32(file, 0x22c) : INITRD_MAX_OLD;
    if (bz->version >= 0x0205) {
        bz->kernel_alignment = read32(file, 0x230);
        bz->relocatable = read8(file, 0x234) != 0;
    }
    bz->cmdline_size = bz->version >= 0x0206 ? read32(file, 0x238) : CMDLINE_MAX_OLD;
    bz->pref_address = LOADED_HIGH;
    if (bz->version >= 0x020a) {
        (void)!view_u64(file, 0x258, &bz->pref_address);
        bz->init_size = read32(file, 0x260);
    }
    if (bz->version >= 0x020c)
        bz->xloadflags = read16(file, 0x236);
}

static enum refusal_id read_payload(struct view file, struct bzimage *bz, struct refusal *why)
{
    uint64_t offset = (uint64_t)bz->setup_size + read32(file, 0x248), size = read32(file, 0x24c);
    if (bz->version < 0x0208 || size == 0)
        return REFUSE_NONE;
    if (offset > file.size || size > file.size - offset)
        return REFUSE(why, BZIMAGE_PAYLOAD_OUTSIDE, .num = {size, offset, file.size});
    bz->payload_offset = (uint32_t)offset;
    bz->payload_size = (uint32_t)size;
    return REFUSE_NONE;
}

enum refusal_id bzimage_parse(struct view file, struct bzimage *ret, struct refusal *why)
{
    struct bzimage bz = {0};
    uint32_t magic;
    uint16_t boot_flag;
    if (!view_u16(file, BOOT_FLAG, &boot_flag) || boot_flag != 0xaa55 ||
        !view_u32(file, HEADER_MAGIC, &magic) || magic != MAGIC_HDRS) {
        *ret = bz;
        return REFUSE_NONE;
    }
    if (file.size < HEADER_END)
        return REFUSE(why, BZIMAGE_HEADER_CUT, .num = {file.size, HEADER_END});
    bz.present = true;
    bz.version = read16(file, 0x206);
    if (bz.version < 0x0200 || bz.version >= 0x0300)
        return REFUSE(why, BZIMAGE_VERSION, .num = {bz.version});

    uint32_t sectors = read8(file, 0x1f1);
    bz.setup_size = (1 + (sectors ? sectors : 4)) * SECTOR; /* 0 means 4, boot.rst */
    if (bz.setup_size >= file.size)
        return REFUSE(why, BZIMAGE_SETUP_OUTSIDE, .num = {sectors, bz.setup_size, file.size});
    if (!narrow_u32(file.size - bz.setup_size, &bz.kernel_size))
        return REFUSE(why, BZIMAGE_TOO_LARGE, .num = {file.size});

    read_fields(file, &bz);
    if (bz.relocatable && (bz.kernel_alignment & (bz.kernel_alignment - 1)))
        return REFUSE(why, BZIMAGE_ALIGNMENT, .num = {bz.kernel_alignment});
    uint64_t end;
    if (!checked_add_u64(bz.pref_address, bz.init_size, &end))
        return REFUSE(why, BZIMAGE_INIT_SIZE, .num = {bz.init_size, bz.pref_address});
    enum refusal_id id = read_payload(file, &bz, why);
    if (id == REFUSE_NONE)
        *ret = bz;
    return id;
}

enum refusal_id bzimage_payload(struct view file, const struct bzimage *bz,
                                enum compressor *ret_compressor, struct view *ret_packed,
                                uint32_t *ret_size, struct refusal *why)
{
    struct view payload;
    if (bz->payload_size <= 4 || !view_slice(file, bz->payload_offset, bz->payload_size, &payload))
        return REFUSE(why, BZIMAGE_NO_PAYLOAD,
                      .num = {bz->version >> 8, bz->version & 0xff, bz->payload_size});
    enum compressor compressor = unpack_detect(payload);
    *ret_compressor = compressor;
    *ret_size = read32(payload, payload.size - 4);
    if (compressor != COMPRESSOR_GZIP)
        payload.size -= 4;
    *ret_packed = payload;
    return REFUSE_NONE;
}
