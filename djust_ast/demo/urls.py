from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("djust_ast.demo.rentals.urls")),
    path("admin/", admin.site.urls),
]
