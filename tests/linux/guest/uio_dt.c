/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the test only: what uio_pdrv_genirq is on a board. Debian's arm64 kernels
 * have UIO but not that driver. A node that is compatible to "generic-uio"
 * becomes a UIO device of the node's name: each of its ranges one map, its
 * interrupt one that the device counts, and masks until it is enabled again.
 */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/uio_driver.h>

struct uio_dt {
	struct uio_info info;
	spinlock_t lock;
	bool masked;
};

/* The interrupt is masked at most once, and unmasked only if it was. */
static void uio_dt_mask(struct uio_dt *dev, bool mask)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	if (mask && !dev->masked)
		disable_irq_nosync((unsigned int)dev->info.irq);
	if (!mask && dev->masked)
		enable_irq((unsigned int)dev->info.irq);
	dev->masked = mask;
	spin_unlock_irqrestore(&dev->lock, flags);
}

static irqreturn_t uio_dt_interrupt(int irq, struct uio_info *info)
{
	uio_dt_mask(info->priv, true);
	return IRQ_HANDLED;
}

/* A program wrote 1 to the device, or 0. */
static int uio_dt_control(struct uio_info *info, s32 on)
{
	uio_dt_mask(info->priv, !on);
	return 0;
}

static int uio_dt_maps(struct platform_device *pdev, struct uio_info *info)
{
	struct resource *range;
	int i;

	for (i = 0; i < MAX_UIO_MAPS; i++) {
		range = platform_get_resource(pdev, IORESOURCE_MEM, i);
		if (!range)
			return 0;
		if (!PAGE_ALIGNED(range->start) ||
		    !PAGE_ALIGNED(resource_size(range)))
			return dev_err_probe(&pdev->dev, -EINVAL,
					     "%pR is not whole pages\n", range);
		info->mem[i].name = range->name;
		info->mem[i].addr = range->start;
		info->mem[i].size = resource_size(range);
		info->mem[i].memtype = UIO_MEM_PHYS;
	}
	return 0;
}

static int uio_dt_probe(struct platform_device *pdev)
{
	struct uio_dt *dev = devm_kzalloc(&pdev->dev, sizeof(*dev), GFP_KERNEL);
	struct uio_info *info;
	int err;

	if (!dev)
		return -ENOMEM;
	spin_lock_init(&dev->lock);
	info = &dev->info;
	info->priv = dev;
	info->version = "1";
	info->name = devm_kasprintf(&pdev->dev, GFP_KERNEL, "%pOFn",
				    pdev->dev.of_node);
	if (!info->name)
		return -ENOMEM;
	err = uio_dt_maps(pdev, info);
	if (err)
		return err;
	info->irq = platform_get_irq_optional(pdev, 0);
	if (info->irq > 0) {
		info->handler = uio_dt_interrupt;
		info->irqcontrol = uio_dt_control;
	} else if (info->irq == -ENXIO) {
		info->irq = UIO_IRQ_NONE;
	} else {
		return (int)info->irq;
	}
	return devm_uio_register_device(&pdev->dev, info);
}

static const struct of_device_id uio_dt_nodes[] = {
	{ .compatible = "generic-uio" }, {}
};
MODULE_DEVICE_TABLE(of, uio_dt_nodes);

static struct platform_driver uio_dt_driver = {
	.probe = uio_dt_probe,
	.driver = { .name = "uio_dt", .of_match_table = uio_dt_nodes },
};
module_platform_driver(uio_dt_driver);

MODULE_DESCRIPTION("UIO devices from device-tree nodes");
MODULE_LICENSE("GPL");
