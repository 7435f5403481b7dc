/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way in through UEFI: files or embedded sections become modules; RSDP, framebuffer and the
 * system table come from the firmware's own tables.  UEFI 2.10 sections 4.6 and 12.9.
 */
#include "efi_app.h"

#include "bytes.h"

static enum refusal_id add_module(struct boot_record *record, uint64_t at, uint64_t size,
                                  const char *string, struct refusal *why)
{
    struct boot_module *module = &record->module[record->module_count++];
    module->start = maddr(at);
    module->size = size;
    module->data = (const uint8_t *)(UINTN)at;
    module->string = record_string(record, string, strlen(string) + 1);
    if (!module->string)
        return REFUSE(why, EFI_NO_MEMORY, .num = {strlen(string)},
                      .str = {"the guest's arguments"});
    return REFUSE_NONE;
}

/* Sections lie wherever the firmware loaded us: take a page-aligned copy below 4 GiB, so that a
 * ramdisk can be given to the guest in place. */
static enum refusal_id add_section(struct efi_app *app, struct boot_record *record,
                                   struct view section, const char *string, struct refusal *why)
{
    uint64_t at;
    if (!efi_allocate(app, section.size, &at))
        return REFUSE(why, EFI_FILE_TOO_LARGE, .num = {section.size}, .str = {string});
    memcpy((void *)(UINTN)at, section.data, (size_t)section.size);
    return add_module(record, at, section.size, string, why);
}

static enum refusal_id add_modules(struct efi_app *app, const struct efi_choice *choice,
                                   struct boot_record *record, struct refusal *why)
{
    static char string[sizeof(choice->guest) + sizeof(choice->arguments) + 2];
    struct view section;
    uint64_t at, size;
    enum refusal_id id;

    out_format(string, sizeof(string), "%s%s%s", choice->guest[0] ? choice->guest : ".linux",
               choice->arguments[0] ? " " : "", choice->arguments);
    if (choice->guest[0]) {
        if ((id = efi_file_read(app, choice->guest, &at, &size, why)) ||
            (id = add_module(record, at, size, string, why)))
            return id;
    } else if (efi_section(app, ".linux", &section)) {
        if ((id = add_section(app, record, section, string, why)))
            return id;
    } else {
        return REFUSE(why, EFI_NO_GUEST);
    }
    if (!choice->guest[0] && efi_section(app, ".initrd", &section) &&
        (id = add_section(app, record, section, ".initrd", why)))
        return id;
    for (uint32_t i = 0; i < choice->ramdisk_count; i++)
        if ((id = efi_file_read(app, choice->ramdisk[i], &at, &size, why)) ||
            (id = add_module(record, at, size, choice->ramdisk[i], why)))
            return id;
    return REFUSE_NONE;
}

static bool rsdp_is_valid(const uint8_t *rsdp)
{
    uint8_t sum = 0;
    for (int i = 0; i < 20; i++)
        sum = (uint8_t)(sum + rsdp[i]);
    return memcmp(rsdp, "RSD PTR ", 8) == 0 && sum == 0;
}

static void find_rsdp(struct efi_app *app, struct boot_record *record)
{
    EFI_GUID guids[2] = {ACPI_20_TABLE_GUID, ACPI_TABLE_GUID};
    for (int g = 0; g < 2 && !record->rsdp; g++) {
        for (UINTN i = 0; i < app->table->NumberOfTableEntries; i++) {
            const EFI_CONFIGURATION_TABLE *entry = &app->table->ConfigurationTable[i];
            if (memcmp(&entry->VendorGuid, &guids[g], sizeof(guids[g])) != 0 ||
                !rsdp_is_valid(entry->VendorTable))
                continue;
            uint32_t length = 20;
            if (g == 0)
                memcpy(&length, (const uint8_t *)entry->VendorTable + 20, sizeof(length));
            if (length > sizeof(record->rsdp_copy) || length < 20)
                length = g == 0 ? 36 : 20;
            record->rsdp = (UINTN)entry->VendorTable;
            record->rsdp_source = RSDP_EFI;
            record->rsdp_length = length;
            memcpy(record->rsdp_copy, entry->VendorTable, length);
            break;
        }
    }
}

static uint8_t mask_position(uint32_t mask)
{
    return mask ? (uint8_t)__builtin_ctz(mask) : 0;
}

static uint8_t mask_size(uint32_t mask)
{
    uint8_t size = 0;
    for (mask = mask ? mask >> __builtin_ctz(mask) : 0; mask & 1; mask >>= 1)
        size++;
    return size;
}

static void find_framebuffer(struct efi_app *app, struct framebuffer *ret)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    if (EFI_ERROR(app->services->LocateProtocol(&guid, NULL, (void **)&gop)) || !gop->Mode ||
        !gop->Mode->Info)
        return;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    uint32_t red = 0xff, green = 0xff00, blue = 0xff0000;
    uint32_t depth = 32;
    if (info->PixelFormat == PixelBlueGreenRedReserved8BitPerColor) {
        red = 0xff0000;
        blue = 0xff;
    } else if (info->PixelFormat == PixelBitMask) {
        red = info->PixelInformation.RedMask;
        green = info->PixelInformation.GreenMask;
        blue = info->PixelInformation.BlueMask;
        uint32_t all = red | green | blue | info->PixelInformation.ReservedMask;
        depth = all ? (32u - (uint32_t)__builtin_clz(all) + 7) & ~7u : 0;
    } else if (info->PixelFormat != PixelRedGreenBlueReserved8BitPerColor) {
        return; /* drawn by firmware calls only: no memory to hand over */
    }
    if (!depth || !gop->Mode->FrameBufferBase)
        return;
    *ret = (struct framebuffer){
        .kind = FRAMEBUFFER_RGB,
        .efi = true,
        .address = gop->Mode->FrameBufferBase,
        .pitch = info->PixelsPerScanLine * (depth / 8),
        .width = info->HorizontalResolution,
        .height = info->VerticalResolution,
        .bpp = (uint8_t)depth,
        .red_position = mask_position(red),
        .red_size = mask_size(red),
        .green_position = mask_position(green),
        .green_size = mask_size(green),
        .blue_position = mask_position(blue),
        .blue_size = mask_size(blue),
    };
}

/* One of the firmware's variables of one byte; false when it is not there. */
static bool read_flag(struct efi_app *app, CHAR16 *name, uint8_t *ret)
{
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINTN size = sizeof(*ret);
    return !EFI_ERROR(app->table->RuntimeServices->GetVariable(name, &guid, NULL, &size, ret)) &&
           size == sizeof(*ret);
}

/* On when the firmware verifies what it starts: UEFI 2.10 section 3.3, SecureBoot and SetupMode. */
static enum secure_boot secure_boot(struct efi_app *app)
{
    static CHAR16 secure_name[] = L"SecureBoot", setup_name[] = L"SetupMode";
    uint8_t secure, setup;
    if (!read_flag(app, secure_name, &secure) || !read_flag(app, setup_name, &setup))
        return SECURE_BOOT_OFF;
    return secure == 1 && setup == 0 ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
}

enum refusal_id efi_record_fill(struct efi_app *app, const struct efi_choice *choice,
                                struct boot_record *ret, struct refusal *why)
{
    ret->way = WAY_UEFI;
    ret->loader_name = "UEFI";
    ret->command_line = record_string(ret, choice->options, sizeof(choice->options));
    if (!ret->command_line)
        return REFUSE(why, EFI_NO_MEMORY, .num = {sizeof(choice->options)},
                      .str = {"the command line"});
    find_rsdp(app, ret);
    find_framebuffer(app, &ret->framebuffer);
    ret->efi.present = true;
    ret->efi.is_64bit = sizeof(UINTN) == 8;
    ret->efi.system_table = (UINTN)app->table;
    ret->efi.image_handle = (UINTN)app->image;
    ret->efi.secure_boot = secure_boot(app);
    return add_modules(app, choice, ret, why);
}
