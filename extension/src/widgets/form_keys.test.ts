import widget from './form_keys';

test('a form keeps its keys, also if it is put together later', async () => {
  const el = document.createElement('div');
  const end = widget.render({ el });
  const form = document.createElement('div');
  form.className = 'xcrystal-form';
  form.append(el);
  document.body.append(form);
  await new Promise(resolve => setTimeout(resolve, 100));
  expect(form.dataset.lmSuppressShortcuts).toBe('true');
  end();
});
