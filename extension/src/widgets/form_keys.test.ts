import widget from './form_keys';

test('a control keeps its keys, also if the form is put together later', async () => {
  const el = document.createElement('div');
  const end = widget.render({ el });
  const form = document.createElement('div');
  const control = document.createElement('input');
  form.className = 'xcrystal-form';
  form.append(control, el);
  document.body.append(form);
  await new Promise(resolve => setTimeout(resolve, 100));
  control.focus();
  expect(control.dataset.lmSuppressShortcuts).toBe('true');
  end();
});
