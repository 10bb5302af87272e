from django.contrib import admin

from . import models

admin.site.register(
    [
        models.Owner,
        models.Tag,
        models.Property,
        models.Insurance,
        models.Photo,
        models.Tenant,
        models.Lease,
        models.Payment,
        models.MaintenanceRequest,
        models.Expense,
    ]
)
