from django.urls import path

from . import views

app_name = "rentals"
urlpatterns = [
    path("", views.Dashboard.as_view(), name="dashboard"),
    path("properties/", views.PropertyList.as_view(), name="property-list"),
    path("properties/<int:pk>/", views.PropertyDetail.as_view(), name="property-detail"),
    path("tags/<slug:slug>/", views.TagDetail.as_view(), name="tag-detail"),
    path("owners/", views.OwnerList.as_view(), name="owner-list"),
    path("owners/<int:pk>/", views.OwnerStatement.as_view(), name="owner-statement"),
    path("tenants/", views.TenantList.as_view(), name="tenant-list"),
    path("tenants/<int:pk>/", views.TenantDetail.as_view(), name="tenant-detail"),
    path("leases/", views.LeaseList.as_view(), name="lease-list"),
    path("leases/<int:pk>/", views.LeaseDetail.as_view(), name="lease-detail"),
    path("leases/<int:pk>/edit/", views.LeaseEdit.as_view(), name="lease-edit"),
    path("maintenance/", views.MaintenanceList.as_view(), name="maintenance-list"),
    path("maintenance/<int:pk>/", views.MaintenanceDetail.as_view(), name="maintenance-detail"),
    path("payments/", views.PaymentReport.as_view(), name="payment-report"),
    path("expenses/", views.ExpenseReport.as_view(), name="expense-report"),
    path("report/", views.Report.as_view(), name="report"),
    path("search/", views.Search.as_view(), name="search"),
]
