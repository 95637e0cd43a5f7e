"""Addresses of the pages of operations."""

from __future__ import annotations

from django.urls import path

from operations import views

urlpatterns = [
    path("operations", views.operation_list, name="operation_list"),
    path("operations/<str:name>", views.operation_page, name="operation_page"),
    path("operations/<str:name>/parts", views.operation_parts, name="operation_parts"),
    path("operations/<str:name>/log.txt", views.operation_log_text, name="operation_log_text"),
    path("operations/<str:name>/cancel", views.operation_cancel, name="operation_cancel"),
    path("operations/<str:name>/retry", views.operation_retry, name="operation_retry"),
]
